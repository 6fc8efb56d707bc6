#include "vfork_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace addon {

namespace {

// The child's first descriptors may be in each other's way: each is first moved to above all of them.
bool arrange(std::span<const int> descriptors, int* moved) {
  int count = static_cast<int>(descriptors.size());
  for (int i = 0; i < count; ++i) {
    moved[i] = fcntl(descriptors[static_cast<size_t>(i)], F_DUPFD_CLOEXEC, count);
    if (moved[i] == -1) return false;
  }
  for (int i = 0; i < count; ++i) {
    if (dup2(moved[i], i) == -1) return false;
  }
  return true;
}

// A handler must not run in a child that shares this process's memory, and what is ignored here is not the program's
// business.
void reset_signals() {
  struct sigaction action{};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &action, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void fail(volatile ExecFailure* failure, const char* call) {
  failure->error = errno;
  failure->call = call;
  _exit(127);
}

// Only what is async-signal-safe, and nothing that this process would notice.
[[noreturn]] void become(const ExecPlan& plan, int* moved, volatile ExecFailure* failure) {
  if (plan.own_session && setsid() == -1) fail(failure, "setsid");
  if (plan.directory != nullptr && chdir(plan.directory) == -1) fail(failure, "chdir");
  if (!arrange(plan.descriptors, moved)) fail(failure, "dup2");
  reset_signals();
  execve(plan.file, plan.arguments, plan.environment);
  fail(failure, "execve");
}

}  // namespace

pid_t vfork_exec(const ExecPlan& plan, ExecFailure* failure) {
  int moved[64];
  volatile ExecFailure seen;
  // fork(2) would copy the page tables, which takes a second where this process has some gigabytes.
  pid_t pid = vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork)
  if (pid == 0) become(plan, moved, &seen);
  if (pid == -1) {
    *failure = {errno, "vfork"};
    return -1;
  }
  if (seen.error == 0) return pid;
  while (waitpid(pid, nullptr, 0) == -1 && errno == EINTR) {
  }
  *failure = {seen.error, seen.call};
  return -1;
}

}  // namespace addon
