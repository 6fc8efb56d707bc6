#include "watcher.h"

#include "arguments.h"
#include "environment.h"
#include "errors.h"

namespace addon {

namespace {

// A property of the watcher's object instead of a persistent reference: the callback references its owner, and the
// owner the watcher. The collector can free that cycle, unless the watcher watches (update).
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

// A watching watcher references itself (update), so it is destroyed only with its environment.
Watcher::~Watcher() {
  if (events_ != 0) reactor_->remove(fd_, this);
  if (holds_loop_) reactor_->unref();
}

// Without events to wait for, the descriptor is removed from the epoll: epoll always reports EPOLLHUP and EPOLLERR, and
// an unhandled level-triggered report would spin.
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
  // The callback is awaited: garbage collection must not end the wait.
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
  // Reported unasked, but without a bit the descriptor is not in the epoll.
  if (info[2].ToBoolean()) events |= EPOLLHUP;
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
  // An error or a hangup makes both directions ready. The next system call returns the error.
  constexpr uint32_t kBoth = EPOLLERR | EPOLLHUP;
  bool readable = (events_ & EPOLLIN) != 0 && (events & (EPOLLIN | EPOLLRDHUP | kBoth)) != 0;
  bool writable = (events_ & EPOLLOUT) != 0 && (events & (EPOLLOUT | kBoth)) != 0;
  Napi::Env env = Env();
  auto callback = Value().Get(kCallback).As<Napi::Function>();
  callback.MakeCallback(Value(), {Napi::Boolean::New(env, readable), Napi::Boolean::New(env, writable)}, context_);
}

}  // namespace addon
