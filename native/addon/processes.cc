// Processes by pidfd: pidfd_open(2), pidfd_send_signal(2).
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arguments.h"
#include "environment.h"
#include "errors.h"
#include "families.h"

// Newer than the headers of the oldest supported C library; the same numbers on every architecture.
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

namespace addon {

namespace {

Napi::Value open_pidfd(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = static_cast<int>(checked(env, syscall(SYS_pidfd_open, int_argument(info, 0), 0), "pidfd_open"));
  return Napi::Number::New(env, Environment::of(env).fds.own(fd));
}

void send_signal(const Napi::CallbackInfo& info) {
  checked(info.Env(), syscall(SYS_pidfd_send_signal, int_argument(info, 0), int_argument(info, 1), nullptr, 0),
          "pidfd_send_signal");
}

}  // namespace

void define_processes(Napi::Env env, Napi::Object exports) {
  define(env, exports, "openPidfd", open_pidfd);
  define(env, exports, "sendSignal", send_signal);
}

}  // namespace addon
