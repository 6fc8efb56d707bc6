// Readiness of descriptors on the environment's own event loop: one private epoll, watched by one uv_poll.
//
// libuv's own polling does not suit terminals. It is level-triggered: after a hangup it reports the same POLLHUP for
// ever (130,000 wakeups in 200 ms). It allows one handle for a descriptor. And libuv up to 1.46 takes POLLHUP for the
// end while data is left. A private epoll has EPOLLET for terminals, and libuv can poll its descriptor.
//
// A source that stopped reading before its descriptor was empty must `queue` itself for the next loop iteration,
// because an edge is reported once.
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
  // `events` as epoll reported them, or 0 for a queued source. May call into JavaScript.
  virtual void on_events(uint32_t events) = 0;

 private:
  friend class Reactor;
  bool queued_ = false;
};

class Reactor : public std::enable_shared_from_this<Reactor> {
 public:
  // Lives until the environment's teardown has closed its handles and the last source has released it.
  static std::shared_ptr<Reactor> create(Napi::Env env);
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor();

  // epoll_ctl(2), with its result. They borrow `fd`: remove it before it is closed.
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
  void give_up_epoll();

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
