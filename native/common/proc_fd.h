// This process's own descriptors as the kernel lists them in /proc/self/fd. /proc in a container is whatever its owner
// mounted there (a tmpfs, a link, a bind mount), so it counts only once it has shown to be a proc file system.
#pragma once

#include "unique_fd.h"

namespace common {

// The directory /proc/self/fd, open for reading; not valid where there is no genuine /proc.
UniqueFd open_proc_self_fd();

// Opens anew, with `flags`, the very file that the O_PATH descriptor `handle` stands for: a name would be looked up a
// second time and could lead elsewhere. errno is set when the result is not valid; ESTALE says that the entry in
// /proc/self/fd leads to another file, for which nothing was opened.
UniqueFd reopen(const UniqueFd& proc_self_fd, int handle, int flags);

}  // namespace common
