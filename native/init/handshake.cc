#include "handshake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "retry.h"

namespace init {

namespace {

// The places of the standard descriptors are kept: the terminal takes them.
void close_above_standard(int fd) {
  if (fd > STDERR_FILENO) close(fd);
}

bool is_open(const char* option, int fd, Message* problem) {
  if (fd == -1 || fcntl(fd, F_GETFD) != -1) return true;
  problem->add(option).add(" ").number(static_cast<unsigned>(fd));
  problem->add(": expected an inherited descriptor, got one that is not open");
  problem->add("; check which descriptors this process was started with");
  return false;
}

bool refuse(const char* option, const char* expected, Message* problem) {
  problem->add(option).add(": expected ").add(expected).add(", got ");
  return false;
}

// A descriptor that was made non-blocking by its other holders stays so: it is waited for instead.
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

bool tell_ready(const Options& options, Message* problem) {
  int fd = options.ready_fd;
  if (fd == -1) return true;
  ssize_t written = wait_and(fd, POLLOUT, [fd] { return write(fd, "\n", 1); });
  if (written == 1) {
    if (fd != options.wait_fd) close_above_standard(fd);
    return true;
  }
  refuse("--ready-fd", "to write a byte", problem);
  problem->error(errno).add("; give a descriptor open for writing, whose reader stays until then");
  return false;
}

bool wait_for_go(const Options& options, Message* problem) {
  int fd = options.wait_fd;
  if (fd == -1) return true;
  char go = 0;
  ssize_t got = wait_and(fd, POLLIN, [fd, &go] { return read(fd, &go, 1); });
  if (got == 1) {
    close_above_standard(fd);
    return true;
  }
  refuse("--wait-fd", "a byte that says go", problem);
  if (got == 0) {
    problem->add("the end: the other side is gone; keep it open until the command may run");
  } else {
    problem->error(errno).add("; give a descriptor open for reading");
  }
  return false;
}

}  // namespace init
