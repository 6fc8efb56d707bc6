// The supervisor: the parent of the command, with --init and where this process cannot lead a session (session.h). It
// holds no end of the terminal, forwards every signal, and reaps all children: as PID 1 or as a subreaper it inherits
// orphans.
//
// It forwards a stop (SIGTSTP, SIGTTIN, SIGTTOU) as SIGSTOP, because the kernel ignores the others in the command's
// orphaned group. Then it stops itself, and SIGCONT continues both. When another process stops the command, the
// supervisor does not stop: that process may continue the command alone, whose orphans must still be reaped.
#pragma once

#include <sys/types.h>

#include "message.h"

namespace init {

struct Supervision {
  bool init = false;       // --init: exits with 128+n after a signal; otherwise ends by the same signal
  bool to_group = false;   // signals go to the command's process group
  bool subreaper = false;  // orphans of the command become this process's children
  int pdeathsig = 0;
  pid_t parent = 0;  // the process whose end causes that signal; 0 when it is in another PID namespace
};

// Forks. Returns true in the child only: the parent closes all but its standard descriptors, supervises the child, and
// exits after it. False, without a child, with the reason in `problem`.
bool fork_supervised(Supervision* supervision, Message* problem);

// prctl(2) PR_SET_PDEATHSIG; nothing for signal 0. A change of user clears it. False with errno set.
bool die_with_parent(int signal, pid_t parent);

}  // namespace init
