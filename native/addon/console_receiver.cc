#include "console_receiver.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

#include "../common/retry.h"
#include "arguments.h"
#include "closer.h"
#include "console_judge.h"
#include "environment.h"
#include "errors.h"

namespace addon {

namespace {

// A property, not a persistent reference: watcher.cc says why.
constexpr char kCallback[] = "onEvent";

// Others in the event loop get their turn after so many connections.
constexpr int kMaxAccepts = 16;

constexpr itimerspec kTellAfter{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = 20'000'000}};

Napi::Object describe_peer(Napi::Env env, const ucred& peer) {
  auto result = Napi::Object::New(env);
  result.Set("pid", Napi::Number::New(env, peer.pid));
  result.Set("uid", Napi::Number::New(env, peer.uid));
  result.Set("gid", Napi::Number::New(env, peer.gid));
  return result;
}

}  // namespace

Napi::Function ConsoleReceiver::define(Napi::Env env) {
  return DefineClass(
      env, "ConsoleReceiver",
      {InstanceMethod("listen", &ConsoleReceiver::listen), InstanceMethod("accept", &ConsoleReceiver::accept),
       InstanceMethod("receive", &ConsoleReceiver::receive), InstanceMethod("forget", &ConsoleReceiver::forget),
       InstanceMethod("close", &ConsoleReceiver::close)});
}

ConsoleReceiver::ConsoleReceiver(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<ConsoleReceiver>(info),
      reactor_(Environment::of(info.Env()).reactor),
      context_(info.Env(), "ConsoleReceiver"),
      settings_(console_settings(info, 3)),
      max_waiting_(static_cast<size_t>(int_argument(info, 1))) {
  Value().Set(kCallback, info[0]);
  if (!info[2].IsArray()) return;
  auto uids = info[2].As<Napi::Array>();
  uids_.emplace();
  for (uint32_t i = 0; i < uids.Length(); ++i) uids_->push_back(uids.Get(i).As<Napi::Number>().Uint32Value());
}

// An active receiver references itself (update), so it is destroyed only with its environment.
ConsoleReceiver::~ConsoleReceiver() {
  for (auto& [fd, connection] : waiting_) reactor_->remove(fd, connection.get());
  if (timer_.fd.valid()) reactor_->remove(timer_.fd.get(), &timer_);
  if (listens_) reactor_->remove(listener_, this);
  if (active_) reactor_->unref();
}

void ConsoleReceiver::listen(const Napi::CallbackInfo& info) {
  listener_ = int_argument(info, 0);
  accepting_ = true;
  update();
}

void ConsoleReceiver::accept(const Napi::CallbackInfo&) {
  accepting_ = true;
  update();
}

Napi::Value ConsoleReceiver::receive(const Napi::CallbackInfo& info) {
  int connection = int_argument(info, 0);
  common::ReceivedConsole console;
  int error = take_message(connection, &console);
  if (error != EAGAIN) return describe_delivery(info.Env(), console, error);
  if (!wait_for(connection, std::nullopt)) throw_errno(info.Env(), errno, "epoll_ctl");
  update();
  return info.Env().Undefined();
}

void ConsoleReceiver::forget(const Napi::CallbackInfo& info) {
  stop_waiting(int_argument(info, 0));
  update();
}

void ConsoleReceiver::close(const Napi::CallbackInfo& info) {
  accepting_ = false;
  while (!waiting_.empty()) {
    int connection = waiting_.begin()->first;
    // JavaScript cannot close what it has not heard of.
    if (!stop_waiting(connection)) continue;
    Environment::of(info.Env()).fds.disown(connection);
    hand_over({&connection, 1}, ClosingKind::kOthers);
  }
  if (timer_.fd.valid()) reactor_->remove(timer_.fd.get(), &timer_);
  timer_.fd.reset();
  update();
  listener_ = -1;
}

bool ConsoleReceiver::wait_for(int connection, std::optional<ucred> untold_peer) {
  auto source = std::make_unique<Connection>(this, connection);
  source->untold_peer = untold_peer;
  if (reactor_->add(connection, EPOLLIN | EPOLLRDHUP, source.get()) == -1) return false;
  waiting_[connection] = std::move(source);
  return true;
}

// Returns the peer that JavaScript has not heard of.
std::optional<ucred> ConsoleReceiver::stop_waiting(int connection) {
  auto found = waiting_.find(connection);
  if (found == waiting_.end()) return std::nullopt;
  auto untold_peer = found->second->untold_peer;
  reactor_->remove(connection, found->second.get());
  waiting_.erase(found);
  return untold_peer;
}

// False when this process has no descriptor for a timer.
bool ConsoleReceiver::start_timer() {
  if (!timer_.fd.valid()) {
    timer_.fd.reset(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (timer_.fd.valid() && reactor_->add(timer_.fd.get(), EPOLLIN, &timer_) == -1) timer_.fd.reset();
  }
  itimerspec present{};
  if (!timer_.fd.valid() || timerfd_gettime(timer_.fd.get(), &present) == -1) return false;
  bool runs = present.it_value.tv_sec != 0 || present.it_value.tv_nsec != 0;
  return runs || timerfd_settime(timer_.fd.get(), 0, &kTellAfter, nullptr) == 0;
}

// While it does not accept, the listener is out of the epoll, which would report it again and again. A failure to add
// it is told in the next iteration, because the caller has something else to tell.
void ConsoleReceiver::update() {
  bool listens = listener_ != -1 && accepting_ && waiting_.size() < max_waiting_;
  if (listens && !listens_ && reactor_->add(listener_, EPOLLIN, this) == -1) {
    failure_ = errno;
    listens = accepting_ = false;
    reactor_->queue(this);
  }
  if (!listens && listens_) reactor_->remove(listener_, this);
  listens_ = listens;
  bool active = listens_ || !waiting_.empty() || failure_ != 0;
  if (active && !active_) {
    Ref();
    reactor_->ref();
  }
  if (!active && active_) {
    Unref();
    reactor_->unref();
  }
  active_ = active;
}

// The handle that `tell` makes keeps this object until the caller's scope ends.
void ConsoleReceiver::on_events(uint32_t) {
  if (failure_ != 0) {
    int error = failure_;
    failure_ = 0;
    update();
    if (listener_ != -1) tell_error(error, "epoll_ctl");
    return;
  }
  for (int i = 0; i < kMaxAccepts && listens_; ++i) {
    // A connection that could not be closed again is not accepted. JavaScript asks again, as at EMFILE.
    if (closer_is_full()) return stop_accepting(EMFILE);
    int connection =
        common::retry_on_eintr([&] { return accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); });
    if (connection != -1) {
      answer(connection);
    } else if (errno != ECONNABORTED) {
      // ECONNABORTED: the peer gave up while it queued.
      if (errno != EAGAIN) stop_accepting(errno);
      return;
    }
  }
}

void ConsoleReceiver::stop_accepting(int error) {
  accepting_ = false;
  update();
  tell_error(error, "accept");
}

// A connection that was just accepted. The kernel comes first: objects for JavaScript take longer.
void ConsoleReceiver::answer(int connection) {
  Napi::Env env = Env();
  Environment::of(env).fds.own(connection, Owned::kOthers);
  ucred peer{};
  socklen_t length = sizeof(peer);
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &length) == -1) {
    return tell(describe_failure(connection, errno, "getsockopt"));
  }
  bool allowed = may_deliver(peer);
  common::ReceivedConsole console;
  int error = allowed ? take_message(connection, &console) : EAGAIN;
  bool waits = allowed && error == EAGAIN;
  bool later = waits && start_timer();
  if (waits && !wait_for(connection, later ? std::optional(peer) : std::nullopt)) {
    return tell(describe_failure(connection, errno, "epoll_ctl"));
  }
  update();
  if (later) return;
  auto event = describe_connection(connection, peer, allowed);
  if (error != EAGAIN) event.Set("delivery", describe_delivery(Env(), console, error));
  tell(event);
}

void ConsoleReceiver::tell_waiting() {
  uint64_t count;
  if (read(timer_.fd.get(), &count, sizeof(count)) == -1) return;
  std::vector<int> untold;
  for (auto& [fd, connection] : waiting_) {
    if (connection->untold_peer) untold.push_back(fd);
  }
  for (int fd : untold) {
    // The callback may forget connections.
    auto found = waiting_.find(fd);
    if (found == waiting_.end()) continue;
    auto peer = found->second->untold_peer;
    found->second->untold_peer.reset();
    if (peer) tell(describe_connection(fd, *peer, true));
  }
}

bool ConsoleReceiver::may_deliver(const ucred& peer) const {
  if (!uids_ || peer.uid == 0 || peer.uid == geteuid()) return true;
  return std::find(uids_->begin(), uids_->end(), peer.uid) != uids_->end();
}

void ConsoleReceiver::receive_from(int connection) {
  common::ReceivedConsole console;
  int error = take_message(connection, &console);
  if (error == EAGAIN) return;
  auto untold_peer = stop_waiting(connection);
  update();
  auto event = untold_peer ? describe_connection(connection, *untold_peer, true) : describe_connection(connection);
  event.Set("delivery", describe_delivery(Env(), console, error));
  tell(event);
}

// Returns 0 or the error of recvmsg(2). An accepted master is owned; everything else that came is closed.
int ConsoleReceiver::take_message(int connection, common::ReceivedConsole* console) {
  auto& environment = Environment::of(Env());
  auto when_full = common::WhenFull::kLose;
  if (!environment.descriptor_limit.has_room()) {
    when_full = closed_lately() ? common::WhenFull::kKeepWhileClosing : common::WhenFull::kKeep;
  }
  int error = common::receive_console(connection, settings_, when_full, console) ? 0 : errno;
  const common::ControlData& control = console->control;
  if (error == 0 && console->verdict.refusal == common::ConsoleRefusal::kNone) {
    environment.fds.own(control.fds[0], Owned::kMaster);
  } else {
    hand_over({control.fds, control.fd_count}, ClosingKind::kOthers);
  }
  if (control.pidfd >= 0) hand_over({&control.pidfd, 1}, ClosingKind::kOthers);
  return error;
}

Napi::Object ConsoleReceiver::describe_connection(int connection) {
  auto event = Napi::Object::New(Env());
  event.Set("connection", Napi::Number::New(Env(), connection));
  return event;
}

Napi::Object ConsoleReceiver::describe_connection(int connection, const ucred& peer, bool allowed) {
  auto event = describe_connection(connection);
  event.Set("peer", describe_peer(Env(), peer));
  event.Set("allowed", Napi::Boolean::New(Env(), allowed));
  return event;
}

Napi::Object ConsoleReceiver::describe_failure(int connection, int error, const char* syscall) {
  auto event = describe_connection(connection);
  event.Set("error", system_error(Env(), error, syscall).Value());
  return event;
}

// No connection was accepted, and none is until JavaScript asks for it.
void ConsoleReceiver::tell_error(int error, const char* syscall) {
  auto event = Napi::Object::New(Env());
  event.Set("error", system_error(Env(), error, syscall).Value());
  tell(event);
}

void ConsoleReceiver::tell(Napi::Object event) {
  Value().Get(kCallback).As<Napi::Function>().MakeCallback(Value(), {event}, context_);
}

}  // namespace addon
