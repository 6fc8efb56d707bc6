// Reads and writes one PTY master (ptmx) without blocking the event loop. The reactor reports readiness,
// edge-triggered; JavaScript then reads into a buffer of its own.
//
// A terminal has ended when read(2) fails with EIO or returns 0. POLLHUP is not enough: data can be left to read.
//
// The sender of a master may have kept a duplicate, which shares the open file description and its O_NONBLOCK. If the
// sender clears the flag, a read blocks this thread. So the flag is checked before every call, the watchdog interrupts
// a call that blocks all the same, and the console is reported as tampered with.
#pragma once

#include <napi.h>

#include <memory>

#include "reactor.h"
#include "watchdog.h"

namespace addon {

// Results of read and write in place of a count. binding/native.ts mirrors this enum, and a test compares them.
enum PtyResult { kWouldBlock = -1, kHungUp = -2, kTampered = -3 };

class PtyStream : public Napi::ObjectWrap<PtyStream>, public Source {
 public:
  static Napi::Function define(Napi::Env env);
  explicit PtyStream(const Napi::CallbackInfo& info);
  ~PtyStream() override;

  void on_events(uint32_t events) override;

 private:
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value write(const Napi::CallbackInfo& info);
  void resume(const Napi::CallbackInfo& info);
  void pause(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  void set_ref(const Napi::CallbackInfo& info);

  bool check_nonblocking();
  bool update_interest();
  void require_interest();
  void release_loop();

  std::shared_ptr<Reactor> reactor_;
  std::shared_ptr<Watchdog> watchdog_;
  Napi::FunctionReference callback_;
  Napi::AsyncContext context_;
  int fd_;
  uint32_t interest_;
  bool reading_ = false;
  bool maybe_readable_ = true;
  bool writing_blocked_ = false;
  bool write_next_iteration_ = false;
  bool hung_up_ = false;
  bool tampered_ = false;
  int slow_writes_ = 0;
  bool holds_loop_ = false;
};

}  // namespace addon
