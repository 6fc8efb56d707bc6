// Processes by pidfd: pidfd_open(2), pidfd_send_signal(2), waitid(2) P_PIDFD, and the ioctl PIDFD_GET_INFO.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/retry.h"
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

// As above: P_PIDFD of waitid(2), and what linux/pidfd.h has since Linux 6.13 and 6.15. The structure may grow at its
// end; its size in the request tells the kernel which one this is.
constexpr auto kPidfd = static_cast<idtype_t>(3);
struct PidfdInfo {
  uint64_t mask;
  uint64_t cgroup;
  uint32_t pid;
  uint32_t others[10];  // tgid, ppid, and four pairs of user and group
  int32_t exit_status;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr unsigned long kGetInfo = _IOWR(0xFF, 11, PidfdInfo);
constexpr uint64_t kInfoPid = 1 << 0;
constexpr uint64_t kInfoExit = 1 << 3;

// What JavaScript gets where the kernel does not tell a status: a wait status is never negative.
constexpr int kUnknown = -1;

long signal_process(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
}

Napi::Value open_pidfd(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = static_cast<int>(checked(env, syscall(SYS_pidfd_open, int_argument(info, 0), 0), "pidfd_open"));
  return Napi::Number::New(env, Environment::of(env).fds.own(fd, Owned::kOwn));
}

// Other questions than this one reach the file's own code, where a FUSE daemon or a driver may answer late. Any answer
// but EBADF comes from a pidfd: ESRCH, EPERM, EINVAL (its process is in a PID namespace that is none of this one's).
// A seccomp filter answers without looking, so its EPERM or ENOSYS is told apart with a number that no file has.
Napi::Value is_pidfd(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (signal_process(int_argument(info, 0), 0) == 0) return Napi::Boolean::New(env, true);
  if (errno == EBADF) return Napi::Boolean::New(env, false);
  int error = errno;
  if (signal_process(-1, 0) == -1 && errno == EBADF) return Napi::Boolean::New(env, true);
  throw_errno(env, error, "pidfd_send_signal");
}

// A signal to a zombie succeeds, so poll(2) is asked first: it tells the end.
Napi::Value send_signal(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  pollfd process{int_argument(info, 0), POLLIN, 0};
  checked(env, common::retry_on_eintr([&] { return poll(&process, 1, 0); }), "poll");
  if ((process.revents & (POLLIN | POLLHUP)) != 0) return Napi::Boolean::New(env, false);
  long result = signal_process(process.fd, int_argument(info, 1));
  if (result == -1 && errno == ESRCH) return Napi::Boolean::New(env, false);
  checked(env, result, "pidfd_send_signal");
  return Napi::Boolean::New(env, true);
}

// WNOWAIT: the status stays for whoever reaps the child, which is libuv as a rule. Every failure means that the status
// is not this process's to know: ECHILD (no child, or reaped), EINVAL (before Linux 5.4), EAGAIN (O_NONBLOCK).
Napi::Value child_status(const Napi::CallbackInfo& info) {
  siginfo_t end{};
  int options = WEXITED | WNOHANG | WNOWAIT | __WALL;
  int pidfd = int_argument(info, 0);
  int result = common::retry_on_eintr([&] { return waitid(kPidfd, static_cast<id_t>(pidfd), &end, options); });
  int status = kUnknown;
  if (result == 0 && end.si_signo == SIGCHLD) {
    if (end.si_code == CLD_EXITED) status = (end.si_status & 0xff) << 8;
    if (end.si_code == CLD_KILLED) status = end.si_status;
    if (end.si_code == CLD_DUMPED) status = end.si_status | 0x80;
  }
  return Napi::Number::New(info.Env(), status);
}

// Every failure means that this kernel does not tell: ENOTTY or EINVAL before Linux 6.13; ESRCH for a process outside
// of this PID namespace and those below it, and, before 6.15, for one that was reaped.
Napi::Value pidfd_info(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  PidfdInfo process{};
  process.mask = kInfoPid | kInfoExit;
  if (ioctl(int_argument(info, 0), kGetInfo, &process) == -1) return env.Null();
  auto result = Napi::Object::New(env);
  result.Set("pid", Napi::Number::New(env, (process.mask & kInfoPid) != 0 ? process.pid : 0));
  result.Set("status", Napi::Number::New(env, (process.mask & kInfoExit) != 0 ? process.exit_status : kUnknown));
  return result;
}

}  // namespace

void define_processes(Napi::Env env, Napi::Object exports) {
  define(env, exports, "openPidfd", open_pidfd);
  define(env, exports, "isPidfd", is_pidfd);
  define(env, exports, "sendSignal", send_signal);
  define(env, exports, "getChildStatus", child_status);
  define(env, exports, "getPidfdInfo", pidfd_info);
}

}  // namespace addon
