#include "file_identity.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace core {

bool identify(int fd, FileIdentity* identity) {
  struct statx status {};
  constexpr int kFlags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
  if (syscall(SYS_statx, fd, "", kFlags, STATX_TYPE | STATX_MODE | STATX_INO, &status) == -1) return false;
  identity->mode = status.stx_mode;
  identity->rdev_major = status.stx_rdev_major;
  identity->rdev_minor = status.stx_rdev_minor;
  identity->dev_major = status.stx_dev_major;
  identity->dev_minor = status.stx_dev_minor;
  identity->inode = status.stx_ino;
  return true;
}

}  // namespace core
