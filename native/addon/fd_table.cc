#include "fd_table.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "../common/control_message.h"

namespace addon {

namespace {

// Other threads open files between the question and the message.
constexpr rlim_t kMargin = 64;

}  // namespace

FdTable::FdTable() : directory_(open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

// The directory's size is the number of open descriptors since Linux 6.2, and 0 before. Called by number: the C
// library's fstat is newer than the oldest supported one.
bool FdTable::has_room() const {
  struct stat directory;
  if (syscall(SYS_newfstatat, directory_.get(), "", &directory, AT_EMPTY_PATH) != 0 || directory.st_size == 0) {
    return false;
  }
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  return static_cast<rlim_t>(directory.st_size) + common::kMaxRights + kMargin <= limit.rlim_cur;
}

}  // namespace addon
