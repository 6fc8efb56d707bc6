// The last close of a PTY master hangs the terminal up, and waits for as long as a program on it likes.
#pragma once

#include <sys/types.h>

#include "unique_fd.h"

namespace keeper {

// Has a child of this process do the last close, and returns its pid, or 0 when there could be no child: then this
// process has closed it. The child ends by itself.
pid_t close_in_child(common::UniqueFd master);

}  // namespace keeper
