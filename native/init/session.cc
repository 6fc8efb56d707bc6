#include "session.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "signals.h"

namespace init {

namespace {

// What holds the terminal may not be open here any more, and /dev/tty may not exist: false when it stays.
void leave_terminal() {
  // Sent to the foreground group, which may be this process's.
  ignore_signal(SIGHUP);
  for (int fd = 0; fd <= STDERR_FILENO; fd++) {
    if (ioctl(fd, TIOCNOTTY) == 0) break;
  }
  default_signal(SIGHUP);
}

bool lead_session() {
  if (getsid(0) != getpid()) return setsid() != -1;
  leave_terminal();
  return true;
}

// Also puts this process's group, which is a session leader's own, in the foreground.
bool set_controlling(int terminal) {
  return ioctl(terminal, TIOCSCTTY, 0) == 0;
}

bool refuse(const char* what, Message* problem) {
  problem->add("expected ").add(what).add(", got ");
  if (errno == EIO) {
    problem->add("a hangup: the receiver has closed the terminal; see what the receiver says");
    return false;
  }
  problem->error(errno);
  problem->add("; see what denies it here (seccomp, an LSM, the limit of processes)");
  return false;
}

}  // namespace

bool take_terminal(const common::UniqueFd& peer, Supervision* supervision, Message* problem) {
  if (supervision->init) {
    if (!continue_in_child(supervision)) return refuse("a child process for the command", problem);
  } else {
    if (lead_session() && set_controlling(peer.get())) return true;
    if (errno != EPERM) return refuse("the terminal as controlling terminal", problem);
    if (!continue_in_child(supervision)) return refuse("a child process to lead a session", problem);
  }
  if (setsid() == -1 || !set_controlling(peer.get())) return refuse("a session on the terminal", problem);
  return true;
}

bool use_as_standard(const common::UniqueFd& terminal, Message* problem) {
  for (int fd = 0; fd <= STDERR_FILENO; fd++) {
    if (dup2(terminal.get(), fd) == -1) return refuse("the terminal as standard input, output and error", problem);
  }
  return true;
}

}  // namespace init
