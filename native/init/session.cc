#include "session.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "signals.h"

namespace init {

namespace {

// Gives up the controlling terminal of this session leader. Not through /dev/tty, which may not exist here.
void leave_terminal() {
  // The kernel sends it to the foreground group, which may be this process's.
  ignore_signal(SIGHUP);
  for (int fd = 0; fd <= STDERR_FILENO; fd++) {
    if (ioctl(fd, TIOCNOTTY) == 0) break;
  }
  default_signal(SIGHUP);
}

}  // namespace

bool lead_session(const common::UniqueFd& terminal) {
  if (getsid(0) == getpid()) {
    leave_terminal();
  } else if (setsid() == -1) {
    return false;
  }
  // Also puts this process's group, which is a session leader's own, in the foreground.
  return ioctl(terminal.get(), TIOCSCTTY, 0) == 0;
}

bool take_terminal(const common::UniqueFd& terminal, Message* problem) {
  if (lead_session(terminal)) return true;
  if (errno == EIO) {
    return refuse(
        problem,
        "expected a session on the terminal, got a hangup: the receiver has closed the terminal; see what the "
        "receiver says");
  }
  return refuse(
      problem, "expected a session on the terminal, got {}; see what denies setsid or TIOCSCTTY here (seccomp, an LSM)",
      strerror(errno));
}

bool use_as_standard(const common::UniqueFd& terminal, Message* problem) {
  for (int fd = 0; fd <= STDERR_FILENO; fd++) {
    if (dup2(terminal.get(), fd) != -1) continue;
    return refuse(problem,
                  "expected the terminal as standard input, output and error, got {}; see what denies dup2 here",
                  strerror(errno));
  }
  return true;
}

}  // namespace init
