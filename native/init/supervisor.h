// The parent of the command, where the command does not take this process's place: with --init, and where it could not
// keep the process's id (see session.h). It holds no side of the terminal, passes every signal on, and reaps whatever
// has ended: as PID 1 or as a subreaper it inherits orphans.
//
// A stop (SIGTSTP, SIGTTIN, SIGTTOU) goes on as SIGSTOP, since the command's group is orphaned and the kernel lets the
// others pass it by; then this process stops too, and SIGCONT continues both. It does not stop when somebody else stops
// the command: continued by that somebody, the command would have nobody who reaps.
#pragma once

#include <sys/types.h>

namespace init {

struct Supervision {
  bool init = false;       // --init: end with 128+n for a signal; otherwise by the same signal
  bool to_group = false;   // signals go to the command's process group
  bool subreaper = false;  // orphans of the command become this process's children
  int pdeathsig = 0;
  pid_t parent = 0;  // whose death that signal tells; 0 when it is in another PID namespace
};

// Returns true in a new child, whose parent is this process. The parent does not return: it closes all but its standard
// descriptors and exits when the child has ended. False, with errno set, when there is no child.
bool continue_in_child(Supervision* supervision);

// prctl(2) PR_SET_PDEATHSIG, for 0 nothing. A change of the user takes it away again.
bool die_with_parent(int signal, pid_t parent);

}  // namespace init
