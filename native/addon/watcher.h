// Level-triggered readiness of any descriptor, for JavaScript. The sockets of `cmsg` wait with it.
#pragma once

#include <napi.h>

#include <memory>

#include "reactor.h"

namespace addon {

class Watcher : public Napi::ObjectWrap<Watcher>, public Source {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Watcher(const Napi::CallbackInfo& info);
  ~Watcher() override;

  void on_events(uint32_t events) override;

 private:
  void watch(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  void set_ref(const Napi::CallbackInfo& info);
  void update(uint32_t events);
  void hold_loop();

  std::shared_ptr<Reactor> reactor_;
  Napi::AsyncContext context_;
  int fd_;
  uint32_t events_ = 0;
  bool wants_ref_ = true;
  bool holds_loop_ = false;
};

}  // namespace addon
