#include "stand_in.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"

namespace init {

namespace {

// No core file of this process is made: it is not dumpable.
[[noreturn]] void end_like(int status) {
  if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
  int number = WTERMSIG(status);
  signal(number, SIG_DFL);
  sigset_t all;
  sigfillset(&all);
  kill(getpid(), number);
  sigprocmask(SIG_UNBLOCK, &all, nullptr);
  // PID 1 of a namespace does not die of its own signal.
  _exit(128 + number);
}

// As PID 1 it inherits the orphans of its namespace: whatever has ended is reaped.
void reap(pid_t child) {
  int status = 0;
  for (pid_t ended = waitpid(-1, &status, WNOHANG); ended > 0; ended = waitpid(-1, &status, WNOHANG)) {
    if (ended == child) end_like(status);
  }
}

// All signals are blocked here, so none is lost between two calls.
[[noreturn]] void stand_in_for(pid_t child, const sigset_t& all) {
  dismiss_descriptors(Inherited::kCloseNow);
  for (;;) {
    reap(child);
    int number = sigwaitinfo(&all, nullptr);
    if (number > 0 && number != SIGCHLD) kill(child, number);
  }
}

}  // namespace

bool continue_in_child() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t child = fork();
  if (child > 0) stand_in_for(child, all);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return child == 0;
}

}  // namespace init
