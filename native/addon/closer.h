// Closing descriptors that came from somebody else. close(2) of a file on a FUSE mount asks the mount's daemon and
// waits for its answer, which may never come, and no signal ends the wait. So whatever could ask is closed on a thread
// of its own; what the kernel answers by itself (a pipe, a Unix socket, a PTY master, /dev/null, a memfd) is closed at
// once.
#pragma once

#include <span>

namespace addon {

void close_untrusted(int fd);
void close_untrusted(std::span<const int> fds);

}  // namespace addon
