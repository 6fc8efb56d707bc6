// Opens a new terminal pair in a container, whose root file system is not trusted. The peer comes from the ptmx itself
// (TIOCGPTPEER, Linux 4.13), not from a name; before Linux 4.13 its number is looked up in the checked devpts. The
// process's controlling terminal does not change. openpty(3) and ptsname(3) follow names; devpts.h says why that is
// unsafe.
#pragma once

#include "devpts.h"
#include "pty_failure.h"
#include "unique_fd.h"

namespace common {

struct Pty {
  UniqueFd ptmx;
  UniqueFd peer;
};

// Through the ptmx in /dev/pts. Needs no /proc where openat2(2) is available.
PtyFailure open_pty(Pty* pty);

// Through the multiplexer at `path`, for a devpts whose own ptmx this user may not open (mounted with ptmxmode=000).
// Symlinks in `path` are followed. The terminal must belong to the devpts on /dev/pts all the same.
PtyFailure open_pty_through(const char* path, Pty* pty);

}  // namespace common
