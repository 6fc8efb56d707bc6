// This process's own descriptors in /proc/self/fd. The owner of a container can mount anything on /proc (a tmpfs, a
// bind mount) or make it a link, so it is used only after a check that it is a proc file system.
#pragma once

#include "unique_fd.h"

namespace common {

// The directory /proc/self/fd, open for reading. Not valid without a genuine /proc.
UniqueFd open_proc_self_fd();

// Opens the file of the O_PATH descriptor `handle` with `flags`. Its name could lead to another file at a second
// lookup. Not valid with errno set: ESTALE when the entry in /proc/self/fd leads to another file, which is not opened.
UniqueFd reopen(const UniqueFd& proc_self_fd, int handle, int flags);

}  // namespace common
