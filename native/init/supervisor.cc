#include "supervisor.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
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
      if (number > 0 && number != SIGCHLD) forward(number);
    }
  }

 private:
  // One SIGCHLD can stand for many children: reap them all before the next wait.
  void reap() {
    int status = 0;
    for (pid_t ended = waitpid(-1, &status, WNOHANG); ended > 0; ended = waitpid(-1, &status, WNOHANG)) {
      if (ended == child_) exit_as(status);
    }
  }

  void forward(int number) {
    bool stop = number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
    send_signal(stop ? SIGSTOP : number);
    // PID 1 of a namespace does not stop: the kernel drops a SIGSTOP that it sends to itself.
    if (stop) kill(getpid(), SIGSTOP);
  }

  void send_signal(int number) {
    // The group exists only after the child has called setsid(2).
    if (supervision_.to_group && kill(-child_, number) == 0) return;
    kill(child_, number);
  }

  [[noreturn]] void exit_as(int status) {
    if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
    int number = WTERMSIG(status);
    if (!supervision_.init) {
      // This process leaves no core file, because it is not dumpable.
      kill(getpid(), number);
      set_blocked(0);
    }
    // Reached by PID 1 too, which its own signal does not end.
    _exit(128 + number);
  }

  pid_t child_;
  const Supervision& supervision_;
};

[[noreturn]] void supervise(pid_t child, const Supervision& supervision) {
  close_inherited(Close::kNow);
  end_timeout();
  Supervisor(child, supervision).run();
}

}  // namespace

bool die_with_parent(int signal, pid_t parent) {
  if (signal == 0) return true;
  if (prctl(PR_SET_PDEATHSIG, signal) == -1) return false;
  // The kernel reports only an end after the call. The parent may have ended before.
  if (getppid() != parent) kill(getpid(), signal);
  return true;
}

bool fork_supervised(Supervision* supervision, Message* problem) {
  // Before the fork, so that a failure can still be reported. The child inherits neither.
  bool prepared = (!supervision->subreaper || prctl(PR_SET_CHILD_SUBREAPER, 1) == 0) &&
                  die_with_parent(supervision->pdeathsig, supervision->parent);
  pid_t self = getpid();
  SignalMask before = set_blocked(kAllSignals);
  pid_t child = prepared ? fork() : -1;
  if (child > 0) supervise(child, *supervision);
  int error = errno;
  set_blocked(before);
  if (child == -1) {
    return refuse(
        problem,
        "expected a child process for the command, got {}; see what denies fork or prctl here (seccomp, an LSM, "
        "the limit of processes)",
        strerror(error));
  }
  supervision->parent = self;
  resume_timeout();
  return true;
}

}  // namespace init
