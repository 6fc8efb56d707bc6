// Reading and writing one PTY master (ptmx) without ever blocking the event loop: readiness from the reactor, edge-
// triggered, and JavaScript pulls the bytes into a buffer of its own.
//
// The end of a terminal is read(2) answering EIO or 0, never POLLHUP: with a hangup there can be data left to read.
//
// The sender of a master may have kept a duplicate. It shares the open file description and with it O_NONBLOCK: were
// the flag cleared, a read would block this thread for as long as the sender likes. So the flag is looked at before
// every call, a call that blocks all the same is ended by the watchdog, and the console is reported as tampered with.
#pragma once

#include <napi.h>

#include <memory>

#include "reactor.h"
#include "watchdog.h"

namespace addon {

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

  bool notice_tampering();
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
  bool write_next_turn_ = false;
  bool hung_up_ = false;
  bool tampered_ = false;
  int slow_writes_ = 0;
  bool holds_loop_ = false;
};

}  // namespace addon
