#include "handshake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "retry.h"

namespace init {

namespace {

// Standard descriptors stay open, because the terminal replaces them.
void close_above_standard(int fd) {
  if (fd > STDERR_FILENO) close(fd);
}

bool is_open(const char* option, int fd, Message* problem) {
  if (fd == -1 || fcntl(fd, F_GETFD) != -1) return true;
  return refuse(
      problem,
      "{} {}: expected an inherited descriptor, got one that is not open; check which descriptors this process "
      "was started with",
      option, static_cast<unsigned>(fd));
}

// Other holders of the descriptor may have made it non-blocking. The flag stays, and poll(2) waits.
template <typename Call>
ssize_t wait_and(int fd, short event, Call call) {
  for (;;) {
    ssize_t result = common::retry_on_eintr(call);
    if (result != -1 || errno != EAGAIN) return result;
    pollfd ready{fd, event, 0};
    if (common::retry_on_eintr([&] { return poll(&ready, 1, -1); }) == -1) return -1;
  }
}

}  // namespace

bool check_handshake(const Options& options, Message* problem) {
  return is_open("--ready-fd", options.ready_fd, problem) && is_open("--wait-fd", options.wait_fd, problem);
}

bool write_ready(const Options& options, Message* problem) {
  int fd = options.ready_fd;
  if (fd == -1) return true;
  ssize_t written = wait_and(fd, POLLOUT, [fd] { return write(fd, "\n", 1); });
  if (written == 1) {
    if (fd != options.wait_fd) close_above_standard(fd);
    return true;
  }
  return refuse(
      problem,
      "--ready-fd: expected to write a byte, got {}; give a descriptor open for writing, whose reader stays until "
      "then",
      strerror(errno));
}

bool read_go(const Options& options, Message* problem) {
  int fd = options.wait_fd;
  if (fd == -1) return true;
  char go = 0;
  ssize_t got = wait_and(fd, POLLIN, [fd, &go] { return read(fd, &go, 1); });
  if (got == 1) {
    close_above_standard(fd);
    return true;
  }
  if (got == -1) {
    return refuse(problem, "--wait-fd: expected a byte, got {}; give a descriptor open for reading", strerror(errno));
  }
  return refuse(problem,
                "--wait-fd: expected a byte, got the end of file; keep the other end open until the command may run");
}

}  // namespace init
