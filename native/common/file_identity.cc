#include "file_identity.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace common {

namespace {

// struct statx of linux/stat.h. The C libraries got it late (glibc 2.28, musl 1.2.4), and not all of them allow the
// kernel's header together with sys/stat.h.
struct StatxTimestamp {
  int64_t seconds;
  uint32_t nanoseconds;
  int32_t reserved;
};

struct Statx {
  uint32_t mask;
  uint32_t block_size;
  uint64_t attributes;
  uint32_t links;
  uint32_t uid;
  uint32_t gid;
  uint16_t mode;
  uint16_t spare0;
  uint64_t inode;
  uint64_t size;
  uint64_t blocks;
  uint64_t attributes_mask;
  StatxTimestamp accessed;
  StatxTimestamp born;
  StatxTimestamp changed;
  StatxTimestamp modified;
  uint32_t rdev_major;
  uint32_t rdev_minor;
  uint32_t dev_major;
  uint32_t dev_minor;
  uint64_t spare[14];  // the kernel writes all 256 bytes
};
static_assert(sizeof(Statx) == 256 && alignof(Statx) == 8, "the layout is the kernel's interface");

constexpr int kEmptyPath = 0x1000;                      // AT_EMPTY_PATH
constexpr int kDontSync = 0x4000;                       // AT_STATX_DONT_SYNC
constexpr unsigned kTypeModeInode = 0x1 | 0x2 | 0x100;  // STATX_TYPE | STATX_MODE | STATX_INO

}  // namespace

bool identify(int fd, FileIdentity* identity) {
  Statx status{};
  if (syscall(SYS_statx, fd, "", kEmptyPath | kDontSync, kTypeModeInode, &status) == -1) return false;
  identity->mode = status.mode;
  identity->rdev_major = status.rdev_major;
  identity->rdev_minor = status.rdev_minor;
  identity->dev_major = status.dev_major;
  identity->dev_minor = status.dev_minor;
  identity->inode = status.inode;
  return true;
}

}  // namespace common
