#include "descriptor_limit.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "../common/control_message.h"

namespace addon {

namespace {

// Other threads open files between this call and recvmsg(2).
constexpr rlim_t kMargin = 64;

}  // namespace

DescriptorLimit::DescriptorLimit() : directory_(open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

// Since Linux 6.2 the directory's size is the number of open descriptors; before, it is 0. Called by number, because
// the oldest supported C library has no fstat symbol.
bool DescriptorLimit::has_room() const {
  struct stat directory;
  if (syscall(SYS_newfstatat, directory_.get(), "", &directory, AT_EMPTY_PATH) != 0 || directory.st_size == 0) {
    return false;
  }
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  return static_cast<rlim_t>(directory.st_size) + common::kMaxRights + kMargin <= limit.rlim_cur;
}

}  // namespace addon
