#include "descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "decimal.h"
#include "proc_fd.h"

// Newer than the headers of the oldest supported C libraries.
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

namespace init {

namespace {

constexpr int kFirst = STDERR_FILENO + 1;
constexpr unsigned kCloseRangeCloexec = 1u << 2;  // CLOSE_RANGE_CLOEXEC, Linux 5.11

void dismiss(int fd, Inherited how) {
  if (how == Inherited::kCloseNow) {
    close(fd);
  } else {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

bool dismiss_listed(common::UniqueFd directory, Inherited how) {
  int own = directory.get();
  DIR* entries = fdopendir(own);
  if (entries == nullptr) return false;
  directory.release();
  while (const dirent* entry = readdir(entries)) {
    unsigned fd = 0;
    const char* end = entry->d_name + strlen(entry->d_name);
    bool number = common::parse_decimal(entry->d_name, end, 0x7fffffff, &fd);
    if (number && static_cast<int>(fd) >= kFirst && static_cast<int>(fd) != own) dismiss(static_cast<int>(fd), how);
  }
  closedir(entries);
  return true;
}

// Only for a kernel before 5.11 in a root without /proc. A descriptor above the bound, which is the default of
// fs.nr_open, is not found; to look for it up to a limit of 2^30 would take a minute.
bool dismiss_possible(Inherited how) {
  constexpr rlim_t kBound = 1 << 20;
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == -1) return false;
  int end = static_cast<int>(limit.rlim_max < kBound ? limit.rlim_max : kBound);
  for (int fd = kFirst; fd < end; fd++) dismiss(fd, how);
  return true;
}

}  // namespace

void occupy_standard_descriptors() {
  for (int fd = 0; fd < kFirst; fd++) {
    // The lower ones are open by now, so this one's number is what open(2) gives.
    if (fcntl(fd, F_GETFD) == -1) open("/", O_PATH | O_CLOEXEC);
  }
}

bool dismiss_descriptors(Inherited how) {
  unsigned flags = how == Inherited::kCloseNow ? 0 : kCloseRangeCloexec;
  if (syscall(SYS_close_range, kFirst, ~0u, flags) == 0) return true;
  common::UniqueFd directory = common::open_proc_self_fd();
  if (directory.valid()) return dismiss_listed(static_cast<common::UniqueFd&&>(directory), how);
  return dismiss_possible(how);
}

}  // namespace init
