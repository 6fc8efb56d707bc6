#include "close_number.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../common/retry.h"
#include "../common/unique_fd.h"

namespace addon {

namespace {

// By number: the C library's function is a cancellation point, which costs every message time and has no use here.
int close_now(int fd) {
  return static_cast<int>(syscall(SYS_close, fd));
}

// dup2(2) replaces in one step, so no other thread can get the number in between. It loses the error of the close that
// it implies, so a copy is closed afterwards.
int replace_by_null(int fd) {
  common::UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  common::UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  bool replaced = copy.valid() && null.valid() && common::retry_on_eintr([&] { return dup2(null.get(), fd); }) != -1;
  return close_now(replaced ? copy.release() : fd);
}

}  // namespace

int close_number(int fd) {
  return fd > STDERR_FILENO ? close_now(fd) : replace_by_null(fd);
}

}  // namespace addon
