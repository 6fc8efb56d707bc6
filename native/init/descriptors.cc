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

void close_one(int fd, Close when) {
  if (when == Close::kNow) {
    close(fd);
  } else {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

bool close_listed(common::UniqueFd directory, Close when) {
  int own = directory.get();
  DIR* entries = fdopendir(own);
  if (entries == nullptr) return false;
  directory.release();
  while (const dirent* entry = readdir(entries)) {
    unsigned fd = 0;
    const char* end = entry->d_name + strlen(entry->d_name);
    bool number = common::parse_decimal(entry->d_name, end, 0x7fffffff, &fd);
    if (number && static_cast<int>(fd) >= kFirst && static_cast<int>(fd) != own) close_one(static_cast<int>(fd), when);
  }
  closedir(entries);
  return true;
}

// For a kernel before 5.11 in a root without /proc. Misses descriptors from kMaxDescriptors on, the default of
// fs.nr_open: trying all numbers up to a limit of 2^30 would take a minute.
bool close_possible(Close when) {
  constexpr rlim_t kMaxDescriptors = 1 << 20;
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == -1) return false;
  int end = static_cast<int>(limit.rlim_max < kMaxDescriptors ? limit.rlim_max : kMaxDescriptors);
  for (int fd = kFirst; fd < end; fd++) close_one(fd, when);
  return true;
}

}  // namespace

void occupy_standard_descriptors() {
  for (int fd = 0; fd < kFirst; fd++) {
    // open(2) returns the lowest free number, and the lower ones are open by now.
    if (fcntl(fd, F_GETFD) == -1) open("/", O_PATH | O_CLOEXEC);
  }
}

bool close_inherited(Close when) {
  unsigned flags = when == Close::kNow ? 0 : kCloseRangeCloexec;
  if (syscall(SYS_close_range, kFirst, ~0u, flags) == 0) return true;
  common::UniqueFd directory = common::open_proc_self_fd();
  if (directory.valid()) return close_listed(static_cast<common::UniqueFd&&>(directory), when);
  return close_possible(when);
}

}  // namespace init
