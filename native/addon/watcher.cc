#include "watcher.h"

#include "arguments.h"
#include "environment.h"
#include "errors.h"

namespace addon {

namespace {

// Kept by the watcher's own object, and not by a reference of ours: it holds whoever waits, and they hold the watcher.
// That circle is garbage once nobody else has a part of it, unless the watcher watches (update).
constexpr char kCallback[] = "onReady";

}  // namespace

Napi::Function Watcher::define(Napi::Env env) {
  return DefineClass(env, "Watcher",
                     {InstanceMethod("watch", &Watcher::watch), InstanceMethod("close", &Watcher::close),
                      InstanceMethod("setRef", &Watcher::set_ref)});
}

Watcher::Watcher(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<Watcher>(info),
      reactor_(Environment::of(info.Env()).reactor),
      context_(info.Env(), "CmsgWatcher"),
      fd_(int_argument(info, 0)) {
  Value().Set(kCallback, info[1]);
}

// Reached while watching only when the environment goes: until then a watcher that watches holds itself (update).
Watcher::~Watcher() {
  if (events_ != 0) reactor_->remove(fd_, this);
  if (holds_loop_) reactor_->unref();
}

// Nothing is registered while nothing is waited for: epoll reports EPOLLHUP and EPOLLERR whether asked or not, and a
// level-triggered report that nobody takes would spin.
void Watcher::update(uint32_t events) {
  if (events == events_) return;
  int result = 0;
  if (events_ == 0) {
    result = reactor_->add(fd_, events, this);
  } else if (events == 0) {
    reactor_->remove(fd_, this);
  } else {
    result = reactor_->modify(fd_, events, this);
  }
  if (result == -1) throw_errno(Env(), errno, "epoll_ctl");
  // Somebody waits for the callback: garbage collection must not end the wait.
  if (events_ == 0) Ref();
  if (events == 0) Unref();
  events_ = events;
  hold_loop();
}

void Watcher::hold_loop() {
  bool should_hold = wants_ref_ && events_ != 0;
  if (should_hold == holds_loop_) return;
  holds_loop_ = should_hold;
  if (should_hold) {
    reactor_->ref();
  } else {
    reactor_->unref();
  }
}

void Watcher::watch(const Napi::CallbackInfo& info) {
  if (fd_ < 0) return;
  uint32_t events = 0;
  if (info[0].ToBoolean()) events |= EPOLLIN | EPOLLRDHUP;
  if (info[1].ToBoolean()) events |= EPOLLOUT;
  update(events);
}

void Watcher::close(const Napi::CallbackInfo&) {
  if (fd_ < 0) return;
  update(0);
  fd_ = -1;
}

void Watcher::set_ref(const Napi::CallbackInfo& info) {
  wants_ref_ = info[0].ToBoolean();
  hold_loop();
}

void Watcher::on_events(uint32_t events) {
  // An error or a hangup makes both sides ready: the next system call says which it was.
  constexpr uint32_t kBoth = EPOLLERR | EPOLLHUP;
  bool readable = (events_ & EPOLLIN) != 0 && (events & (EPOLLIN | EPOLLRDHUP | kBoth)) != 0;
  bool writable = (events_ & EPOLLOUT) != 0 && (events & (EPOLLOUT | kBoth)) != 0;
  Napi::Env env = Env();
  auto callback = Value().Get(kCallback).As<Napi::Function>();
  callback.MakeCallback(Value(), {Napi::Boolean::New(env, readable), Napi::Boolean::New(env, writable)}, context_);
}

}  // namespace addon
