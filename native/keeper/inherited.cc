#include "inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unique_fd.h"

// Newer than the headers of the oldest supported C libraries.
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

namespace keeper {

namespace {

// Linux 5.9 has close_range(2). Before it, and where a seccomp profile refuses it, each number is closed up to the
// limit, at most kHighest: a limit may be 2^30.
void close_between(unsigned first, unsigned last) {
  if (first > last || syscall(SYS_close_range, first, last, 0) == 0) return;
  constexpr unsigned kHighest = 65536;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  unsigned end = limit.rlim_cur < kHighest ? static_cast<unsigned>(limit.rlim_cur) : kHighest;
  for (unsigned fd = first; fd <= last && fd < end; fd++) close(static_cast<int>(fd));
}

}  // namespace

void close_all_but(int* kept, size_t count) {
  for (size_t i = 1; i < count; i++) {
    for (size_t j = i; j > 0 && kept[j - 1] > kept[j]; j--) {
      int higher = kept[j - 1];
      kept[j - 1] = kept[j];
      kept[j] = higher;
    }
  }
  unsigned next = STDERR_FILENO + 1;
  for (size_t i = 0; i < count; i++) {
    if (kept[i] < static_cast<int>(next)) continue;
    close_between(next, static_cast<unsigned>(kept[i]) - 1);
    next = static_cast<unsigned>(kept[i]) + 1;
  }
  close_between(next, UINT_MAX);
}

void leave_standard_streams() {
  common::UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    // Where there is no /dev/null: a closed standard stream is better than a pipe whose reader waits.
    if (!null.valid() || dup2(null.get(), fd) == -1) close(fd);
  }
}

}  // namespace keeper
