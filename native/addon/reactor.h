// Readiness of descriptors on the environment's own event loop: one private epoll, watched by one uv_poll.
//
// libuv's own polling cannot do it. It is level-triggered, and after a terminal's hangup reports the same POLLHUP for
// ever (130,000 wakeups in 200 ms); it allows one handle for a descriptor; and libuv up to 1.46 takes POLLHUP for the
// end while data waits. A private epoll takes EPOLLET for terminals, and its own descriptor is well-behaved.
//
// A source that stopped reading before it ran dry asks to be called again in the next turn of the loop (`queue`): an
// edge that was reported once is not reported again.
#pragma once

#include <napi.h>
#include <node_api.h>
#include <sys/epoll.h>
#include <uv.h>

#include <array>
#include <deque>
#include <memory>

namespace addon {

class Source {
 public:
  virtual ~Source() = default;
  // `events` as epoll reported them, or 0 when the source had queued itself. May call into JavaScript.
  virtual void on_events(uint32_t events) = 0;

 private:
  friend class Reactor;
  bool queued_ = false;
};

class Reactor : public std::enable_shared_from_this<Reactor> {
 public:
  // Lives until the environment's teardown has closed its handles and the last source has let go of it.
  static std::shared_ptr<Reactor> create(Napi::Env env);
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor();

  // These three are epoll_ctl(2) and return its result. `fd` stays the caller's, who removes it before closing it.
  int add(int fd, uint32_t events, Source* source);
  int modify(int fd, uint32_t events, Source* source);
  void remove(int fd, Source* source);

  void queue(Source* source);

  // The loop stays alive while there is a reference.
  void ref();
  void unref();

 private:
  explicit Reactor(Napi::Env env) : env_(env) {}
  void start();
  void stop(napi_async_cleanup_hook_handle hook);
  void poll();
  void run_queue();
  void call(Source* source, uint32_t events);
  void forget(Source* source);

  Napi::Env env_;
  int epoll_ = -1;
  bool running_ = false;
  size_t references_ = 0;
  // Allocated apart: libuv keeps a handle until its close callback, which can be later than the reactor's own end.
  uv_poll_t* poll_handle_ = nullptr;
  uv_idle_t* idle_handle_ = nullptr;
  std::deque<Source*> queue_;
  std::array<epoll_event, 64> batch_;
  size_t batch_next_ = 0;
  size_t batch_size_ = 0;
};

}  // namespace addon
