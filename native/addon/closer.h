// Closes descriptors that another process sent. close(2) of a file on a FUSE mount waits for the mount's daemon,
// possibly for ever, and no signal ends the wait. So a descriptor is closed at once only where the kernel does not wait
// (a pipe, a Unix socket, a PTY master, /dev/null, a memfd), and on a thread of its own otherwise.
#pragma once

#include <span>

namespace addon {

void close_untrusted(int fd);
void close_untrusted(std::span<const int> fds);

}  // namespace addon
