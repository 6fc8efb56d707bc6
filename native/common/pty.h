// A new terminal pair in a container, whose root file system is not to be trusted. The peer is asked of the ptmx itself
// (TIOCGPTPEER, Linux 4.13) and never looked up by a name; the process keeps its controlling terminal, or none.
// openpty(3) and ptsname(3) follow names: see devpts.h for what that costs.
#pragma once

#include "devpts.h"
#include "pty_failure.h"
#include "unique_fd.h"

namespace common {

struct Pty {
  UniqueFd ptmx;
  UniqueFd peer;
};

// By the ptmx in /dev/pts. Needs no /proc where openat2(2) is available.
PtyFailure open_pty(Pty* pty);

// By the multiplexer at `path`, for a devpts whose own ptmx is closed to this user (mounted ptmxmode=000). The path is
// the caller's word and its symlinks are followed; the terminal must belong to the devpts on /dev/pts all the same.
PtyFailure open_pty_through(const char* path, Pty* pty);

}  // namespace common
