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

// One read(2) of a master returns at most this.
constexpr size_t kMaxRead = 4096;

// A busy machine can make one write slow. More than this many slow ones in a row count as tampering.
constexpr int kMaxSlowWrites = 3;

// One write(2) continues while the other end reads. This limit keeps an honest write short.
constexpr size_t kMaxWrite = size_t{64} * 1024;

// Without the watching thread a sender could block the event loop, so there is no console without it.
std::shared_ptr<Watchdog> watchdog_of(Napi::Env env) {
  auto& environment = Environment::of(env);
  if (!environment.watchdog) environment.watchdog = std::make_shared<Watchdog>();
  if (int error = environment.watchdog->watch(); error != 0) throw_errno(env, error, "pthread_create");
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
  // The callback is awaited: garbage collection must not end the wait.
  Ref();
}

// An open stream is destroyed only with its environment.
PtyStream::~PtyStream() {
  if (holds_loop_) reactor_->unref();
  if (fd_ >= 0) reactor_->remove(fd_, this);
}

// False once O_NONBLOCK was cleared. Sets the flag again, because other descriptors of this process may share it.
bool PtyStream::check_nonblocking() {
  int flags = fcntl(fd_, F_GETFL);
  if (flags != -1 && (flags & O_NONBLOCK) == 0) {
    fcntl(fd_, F_SETFL, flags | O_NONBLOCK);
    tampered_ = true;
  }
  return !tampered_;
}

// Reads until the terminal is empty or the buffer has no room for a whole read: a read into the rest would cost as much
// as one of 4 KiB. The flag is checked once for all reads; if it is cleared later, the watchdog interrupts the read.
Napi::Value PtyStream::read(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto buffer = bytes_argument(info, 0);
  // read(2) returns 0 without room as well as at the end.
  if (fd_ < 0 || buffer.empty()) return Napi::Number::New(env, kWouldBlock);
  if (!check_nonblocking()) return Napi::Number::New(env, kTampered);
  size_t filled = 0;
  int end = kWouldBlock;
  while (filled == 0 || buffer.size() - filled >= kMaxRead) {
    ssize_t count = watchdog_->guard([&] { return ::read(fd_, buffer.data() + filled, buffer.size() - filled); });
    if (count > 0) {
      filled += static_cast<size_t>(count);
      continue;
    }
    if (count == 0 || errno == EIO) {
      end = kHungUp;
      // After some bytes the next read reports the end. Otherwise it is reported now, and only an event changes it.
      maybe_readable_ = filled > 0;
    } else if (errno == EAGAIN) {
      maybe_readable_ = false;
    } else if (errno == EINTR) {
      // Only a read that slept is interrupted, so O_NONBLOCK was cleared, even if it is set again by now.
      tampered_ = true;
      end = kTampered;
    } else if (filled == 0) {
      throw_errno(env, errno, "read");
    }
    break;
  }
  // The buffer is full, or the terminal ended or failed after some bytes. No edge reports that: read again in the next
  // iteration.
  if (maybe_readable_ && filled > 0) reactor_->queue(this);
  return Napi::Number::New(env, filled > 0 ? static_cast<double>(filled) : end);
}

// One write per loop iteration. After an interrupted write, retry in the next iteration without waiting for EPOLLOUT.
// If the terminal is simply full, the retry returns EAGAIN. If another holder keeps making writes block, it blocks
// again, until kMaxSlowWrites is exceeded.
Napi::Value PtyStream::write(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto bytes = bytes_argument(info, 0);
  if (fd_ < 0) return Napi::Number::New(env, kWouldBlock);
  if (!check_nonblocking()) return Napi::Number::New(env, kTampered);
  size_t size = std::min(bytes.size(), kMaxWrite);
  ssize_t count = watchdog_->guard([&] { return ::write(fd_, bytes.data(), size); });
  int error = count == -1 ? errno : 0;
  bool interrupted = watchdog_->interrupted() || error == EINTR;
  slow_writes_ = interrupted ? slow_writes_ + 1 : 0;
  if (slow_writes_ > kMaxSlowWrites) tampered_ = true;
  if (error == EIO) return Napi::Number::New(env, kHungUp);
  if (error != 0 && error != EAGAIN && error != EINTR) throw_errno(env, error, "write");
  if (count < static_cast<ssize_t>(bytes.size())) {
    writing_blocked_ = true;
    write_next_iteration_ = interrupted || count == static_cast<ssize_t>(size);
    if (write_next_iteration_) {
      reactor_->queue(this);
    } else {
      // epoll_ctl reports room that came up meanwhile. If EPOLLOUT was registered before the write, the kernel has
      // noted the room by itself.
      require_interest();
    }
  }
  return Napi::Number::New(env, static_cast<double>(count > 0 ? count : ssize_t{kWouldBlock}));
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

// A paused console leaves its bytes in the kernel, which then stops the program. on_events drops EPOLLIN at the first
// event while paused, so that pausing and resuming at once costs no system call.
void PtyStream::pause(const Napi::CallbackInfo&) {
  reading_ = false;
}

void PtyStream::close(const Napi::CallbackInfo&) {
  if (fd_ < 0) return;
  reactor_->remove(fd_, this);
  fd_ = -1;
  release_loop();
  // The callback references the console, and the console references this stream: the cycle would never be collected.
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
  bool writable = writing_blocked_ && (write_next_iteration_ || (events & (EPOLLOUT | kEnd)) != 0);
  if (writable) writing_blocked_ = write_next_iteration_ = false;
  // A hangup is reported while paused too: no more than the kernel's buffer is left, and the descriptor can be closed.
  bool readable = maybe_readable_ && (reading_ || hung_up_);
  bool was_paused = !reading_;
  if (readable || writable) {
    Napi::Env env = Env();
    callback_.MakeCallback(Value(), {Napi::Boolean::New(env, readable), Napi::Boolean::New(env, writable)}, context_);
  }
  // After the callback, so that EPOLLOUT stays registered until a long write is complete. If this fails, EPOLLOUT stays
  // and costs one more event.
  if (was_paused || (writable && !writing_blocked_)) update_interest();
}

}  // namespace addon
