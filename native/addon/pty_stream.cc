#include "pty_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "arguments.h"
#include "environment.h"
#include "errors.h"

namespace addon {

namespace {

// What `read` and `write` answer instead of a count; native.ts documents them for the other side.
constexpr int kWouldBlock = -1;
constexpr int kHungUp = -2;
constexpr int kTampered = -3;

// What one read(2) of a master gives at most.
constexpr size_t kMostRead = 4096;

// So many writes in a row that lasted, and somebody makes them last.
constexpr int kMostSlowWrites = 3;

// While somebody reads at the other end, one write goes on for as long as it has bytes: an honest one must not last.
constexpr size_t kMostWritten = size_t{64} * 1024;

std::shared_ptr<Watchdog> watchdog_of(Napi::Env env) {
  auto& environment = Environment::of(env);
  if (!environment.watchdog) environment.watchdog = std::make_shared<Watchdog>();
  return environment.watchdog;
}

}  // namespace

Napi::Function PtyStream::define(Napi::Env env) {
  return DefineClass(env, "PtyStream",
                     {InstanceMethod("read", &PtyStream::read), InstanceMethod("write", &PtyStream::write),
                      InstanceMethod("resume", &PtyStream::resume), InstanceMethod("pause", &PtyStream::pause),
                      InstanceMethod("close", &PtyStream::close), InstanceMethod("setRef", &PtyStream::set_ref)});
}

PtyStream::PtyStream(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<PtyStream>(info),
      reactor_(Environment::of(info.Env()).reactor),
      watchdog_(watchdog_of(info.Env())),
      callback_(Napi::Persistent(info[1].As<Napi::Function>())),
      context_(info.Env(), "ConsolePtyStream"),
      fd_(int_argument(info, 0)),
      interest_(EPOLLIN | EPOLLET) {
  int flags = checked(info.Env(), fcntl(fd_, F_GETFL), "fcntl");
  checked(info.Env(), fcntl(fd_, F_SETFL, flags | O_NONBLOCK), "fcntl");
  checked(info.Env(), reactor_->add(fd_, interest_, this), "epoll_ctl");
  reactor_->ref();
  holds_loop_ = true;
  // Somebody waits for the end of this console: garbage collection must not end the wait.
  Ref();
}

// Reached while open only when the environment goes.
PtyStream::~PtyStream() {
  if (holds_loop_) reactor_->unref();
  if (fd_ >= 0) reactor_->remove(fd_, this);
}

// Looks at the flag, and puts it back where it was cleared: other descriptors of ours may share it.
bool PtyStream::notice_tampering() {
  int flags = fcntl(fd_, F_GETFL);
  if (flags != -1 && (flags & O_NONBLOCK) == 0) {
    fcntl(fd_, F_SETFL, flags | O_NONBLOCK);
    tampered_ = true;
  }
  return tampered_;
}

// Reads until the terminal has nothing more or the buffer has no room for a whole read: a read for what little room is
// left would cost as much as one for 4 KiB. One look at the flag is enough for all of them: what is cleared behind it
// is the watchdog's to notice in any case.
Napi::Value PtyStream::read(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto buffer = bytes_argument(info, 0);
  // No room is no end: read(2) answers 0 for both.
  if (fd_ < 0 || buffer.empty()) return Napi::Number::New(env, kWouldBlock);
  if (notice_tampering()) return Napi::Number::New(env, kTampered);
  size_t filled = 0;
  int end = kWouldBlock;
  while (filled == 0 || buffer.size() - filled >= kMostRead) {
    ssize_t count = watchdog_->guard([&] { return ::read(fd_, buffer.data() + filled, buffer.size() - filled); });
    if (count > 0) {
      filled += static_cast<size_t>(count);
      continue;
    }
    if (count == 0 || errno == EIO) {
      end = kHungUp;
      // Behind some bytes it is told by the next read; else it is told now, and only an event changes it.
      maybe_readable_ = filled > 0;
    } else if (errno == EAGAIN) {
      maybe_readable_ = false;
    } else if (errno == EINTR) {
      // Only a read that slept is interrupted, and with O_NONBLOCK none does, wherever the flag is by now.
      tampered_ = true;
      end = kTampered;
    } else if (filled == 0) {
      throw_errno(env, errno, "read");
    }
    break;
  }
  // Full, ended or failed behind some bytes: no edge will tell again, so come back in the next turn.
  if (maybe_readable_ && filled > 0) reactor_->queue(this);
  return Napi::Number::New(env, filled > 0 ? static_cast<double>(filled) : end);
}

// One call a turn. Behind one that was interrupted the next turn tries again, since no room need come up first: where
// the terminal is full an honest write then says so at once, and one that is made to sleep sleeps again, until it is
// known.
Napi::Value PtyStream::write(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto bytes = bytes_argument(info, 0);
  if (fd_ < 0) return Napi::Number::New(env, kWouldBlock);
  if (notice_tampering()) return Napi::Number::New(env, kTampered);
  size_t size = std::min(bytes.size(), kMostWritten);
  ssize_t count = watchdog_->guard([&] { return ::write(fd_, bytes.data(), size); });
  int error = count == -1 ? errno : 0;
  // One call can be held up by a machine that has no time for it; not one after the other.
  bool interrupted = watchdog_->interrupted() || error == EINTR;
  slow_writes_ = interrupted ? slow_writes_ + 1 : 0;
  if (slow_writes_ > kMostSlowWrites) tampered_ = true;
  if (error == EIO) return Napi::Number::New(env, kHungUp);
  if (error != 0 && error != EAGAIN && error != EINTR) throw_errno(env, error, "write");
  if (count < static_cast<ssize_t>(bytes.size())) {
    writing_blocked_ = true;
    write_next_turn_ = interrupted || count == static_cast<ssize_t>(size);
    if (write_next_turn_) {
      reactor_->queue(this);
    } else {
      // Registering looks at the state now, so that room which came up meanwhile is not missed; where it was registered
      // before the write, the kernel has noted that by itself.
      require_interest();
    }
  }
  return Napi::Number::New(env, count > 0 ? static_cast<double>(count) : kWouldBlock);
}

// False with errno set.
bool PtyStream::update_interest() {
  if (fd_ < 0) return true;
  uint32_t wanted = EPOLLET;
  if (reading_ || !maybe_readable_) wanted |= EPOLLIN;
  if (writing_blocked_) wanted |= EPOLLOUT;
  if (wanted == interest_) return true;
  if (reactor_->modify(fd_, wanted, this) == -1) return false;
  interest_ = wanted;
  return true;
}

void PtyStream::require_interest() {
  if (!update_interest()) throw_errno(Env(), errno, "epoll_ctl");
}

void PtyStream::resume(const Napi::CallbackInfo&) {
  reading_ = true;
  require_interest();
  if (fd_ >= 0 && maybe_readable_) reactor_->queue(this);
}

// A paused console leaves its bytes in the kernel, which then stops the program. Its interest in input goes with the
// first event that comes while paused (on_events), so that pausing and resuming at once costs no system call.
void PtyStream::pause(const Napi::CallbackInfo&) {
  reading_ = false;
}

void PtyStream::close(const Napi::CallbackInfo&) {
  if (fd_ < 0) return;
  reactor_->remove(fd_, this);
  fd_ = -1;
  release_loop();
  // The callback holds the console, and the console holds this: the circle would outlive both.
  callback_.Reset();
  Unref();
}

void PtyStream::release_loop() {
  if (!holds_loop_) return;
  holds_loop_ = false;
  reactor_->unref();
}

void PtyStream::set_ref(const Napi::CallbackInfo& info) {
  bool wanted = info[0].ToBoolean();
  if (fd_ < 0 || wanted == holds_loop_) return;
  if (!wanted) {
    release_loop();
  } else {
    holds_loop_ = true;
    reactor_->ref();
  }
}

void PtyStream::on_events(uint32_t events) {
  constexpr uint32_t kEnd = EPOLLHUP | EPOLLERR;
  if ((events & (EPOLLIN | kEnd)) != 0) {
    maybe_readable_ = true;
    hung_up_ = (events & kEnd) != 0;
  }
  bool writable = writing_blocked_ && (write_next_turn_ || (events & (EPOLLOUT | kEnd)) != 0);
  if (writable) writing_blocked_ = write_next_turn_ = false;
  // A hangup is told also while paused: what is left is no more than the kernel holds, and the descriptor can go.
  bool readable = maybe_readable_ && (reading_ || hung_up_);
  bool was_paused = !reading_;
  if (readable || writable) {
    Napi::Env env = Env();
    callback_.MakeCallback(Value(), {Napi::Boolean::New(env, readable), Napi::Boolean::New(env, writable)}, context_);
  }
  // Behind the callback: of a long write the interest in room stays until all of it is written. Should it fail, too
  // much is asked for: an edge more, and the next call tells.
  if (was_paused || (writable && !writing_blocked_)) update_interest();
}

}  // namespace addon
