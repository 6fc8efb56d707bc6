#include "supervisor.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "progress.h"
#include "signals.h"

namespace init {

namespace {

class Supervisor {
 public:
  Supervisor(pid_t child, const Supervision& supervision) : child_(child), supervision_(supervision) {}

  // All signals are blocked here, so none is lost between two calls.
  [[noreturn]] void run() {
    for (;;) {
      reap();
      int number = take_signal();
      if (number > 0 && number != SIGCHLD) pass_on(number);
    }
  }

 private:
  // SIGCHLD tells of one or of thousands: all that have ended are taken before the next wait.
  void reap() {
    int status = 0;
    for (pid_t ended = waitpid(-1, &status, WNOHANG); ended > 0; ended = waitpid(-1, &status, WNOHANG)) {
      if (ended == child_) end_like(status);
    }
  }

  void pass_on(int number) {
    bool stop = number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
    send(stop ? SIGSTOP : number);
    // PID 1 of a namespace does not stop: the kernel keeps its own signals from it.
    if (stop) kill(getpid(), SIGSTOP);
  }

  void send(int number) {
    // There is no group before the child has made its session.
    if (supervision_.to_group && kill(-child_, number) == 0) return;
    kill(child_, number);
  }

  [[noreturn]] void end_like(int status) {
    if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
    int number = WTERMSIG(status);
    if (!supervision_.init) {
      // No core file of this process is made: it is not dumpable.
      kill(getpid(), number);
      set_blocked(0);
    }
    // PID 1 does not die of its own signal.
    _exit(128 + number);
  }

  pid_t child_;
  const Supervision& supervision_;
};

[[noreturn]] void supervise(pid_t child, const Supervision& supervision) {
  dismiss_descriptors(Inherited::kCloseNow);
  end_timeout();
  Supervisor(child, supervision).run();
}

}  // namespace

bool die_with_parent(int signal, pid_t parent) {
  if (signal == 0) return true;
  if (prctl(PR_SET_PDEATHSIG, signal) == -1) return false;
  // It may have died before; the kernel tells of what comes after only.
  if (getppid() != parent) kill(getpid(), signal);
  return true;
}

bool continue_in_child(Supervision* supervision) {
  if (supervision->subreaper && prctl(PR_SET_CHILD_SUBREAPER, 1) == -1) return false;
  // Before there is a child, which does not inherit it: a refusal can still be told.
  if (!die_with_parent(supervision->pdeathsig, supervision->parent)) return false;
  pid_t self = getpid();
  SignalMask before = set_blocked(kAllSignals);
  pid_t child = fork();
  if (child > 0) supervise(child, *supervision);
  if (child == 0) {
    supervision->parent = self;
    resume_timeout();
  }
  set_blocked(before);
  return child == 0;
}

}  // namespace init
