#include "pty_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../common/retry.h"
#include "arguments.h"
#include "environment.h"
#include "errors.h"

namespace addon {

namespace {

// What `read` and `write` answer instead of a count; native.ts documents them for the other side.
constexpr int kWouldBlock = -1;
constexpr int kHungUp = -2;
constexpr int kTampered = -3;

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

// Reached while open only when the environment goes, or when the constructor failed.
PtyStream::~PtyStream() {
  if (holds_loop_) reactor_->unref();
  if (fd_ >= 0) reactor_->remove(fd_, this);
}

// True when the flag had been cleared.
bool PtyStream::restore_nonblocking() {
  int flags = fcntl(fd_, F_GETFL);
  if (flags == -1 || (flags & O_NONBLOCK) != 0) return false;
  fcntl(fd_, F_SETFL, flags | O_NONBLOCK);
  tampered_ = true;
  return true;
}

// Fills the buffer until it is full or the terminal has nothing more: a master gives at most 4 KiB a call.
Napi::Value PtyStream::read(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (fd_ < 0) return Napi::Number::New(env, kWouldBlock);
  auto buffer = bytes_argument(info, 0);
  size_t filled = 0;
  int end = kWouldBlock;
  while (filled < buffer.size()) {
    if (restore_nonblocking() || tampered_) {
      end = kTampered;
      break;
    }
    ssize_t count = core::retry_on_eintr([&] { return ::read(fd_, buffer.data() + filled, buffer.size() - filled); });
    if (count > 0) {
      filled += static_cast<size_t>(count);
      continue;
    }
    if (count == -1 && errno == EAGAIN) {
      maybe_readable_ = false;
    } else if (count == 0 || errno == EIO) {
      end = kHungUp;
    } else if (filled == 0) {
      throw_errno(env, errno, "read");
    }
    break;
  }
  // Full, ended or failed behind some bytes: no edge will tell again, so come back in the next turn.
  if (maybe_readable_ && reading_ && filled > 0) reactor_->queue(this);
  return Napi::Number::New(env, filled > 0 ? static_cast<double>(filled) : end);
}

Napi::Value PtyStream::write(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto bytes = bytes_argument(info, 0);
  size_t written = 0;
  int refusal = kWouldBlock;
  while (fd_ >= 0 && written < bytes.size()) {
    if (restore_nonblocking() || tampered_) {
      refusal = kTampered;
      break;
    }
    ssize_t count = core::retry_on_eintr([&] { return ::write(fd_, bytes.data() + written, bytes.size() - written); });
    if (count > 0) {
      written += static_cast<size_t>(count);
      continue;
    }
    // A master whose terminal nobody holds open takes no input: EIO.
    if (count == -1 && errno == EIO) refusal = kHungUp;
    if (count == 0 || errno == EAGAIN) {
      writing_blocked_ = true;
      // Registering anew also looks at the state now, so that room which came up meanwhile is not missed.
      update_interest();
    } else if (errno != EIO && written == 0) {
      throw_errno(env, errno, "write");
    }
    break;
  }
  return Napi::Number::New(env, written > 0 ? static_cast<double>(written) : refusal);
}

void PtyStream::update_interest() {
  if (fd_ < 0) return;
  uint32_t wanted = EPOLLET;
  if (reading_ || !maybe_readable_) wanted |= EPOLLIN;
  if (writing_blocked_) wanted |= EPOLLOUT;
  if (wanted == interest_ && !writing_blocked_) return;
  checked(Env(), reactor_->modify(fd_, wanted, this), "epoll_ctl");
  interest_ = wanted;
}

void PtyStream::resume(const Napi::CallbackInfo&) {
  reading_ = true;
  update_interest();
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
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) maybe_readable_ = true;
  bool writable = writing_blocked_ && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
  if (writable) writing_blocked_ = false;
  bool readable = reading_ && maybe_readable_;
  if (!reading_ || writable) update_interest();
  if (!readable && !writable) return;
  Napi::Env env = Env();
  callback_.MakeCallback(Value(), {Napi::Boolean::New(env, readable), Napi::Boolean::New(env, writable)}, context_);
}

}  // namespace addon
