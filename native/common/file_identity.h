// Identifies a descriptor without blocking: statx(2) with AT_STATX_DONT_SYNC answers from the kernel's cache, while
// fstat and every ioctl on a file of a FUSE mount wait for its daemon, possibly for ever. Called by number, with a
// layout of its own, because the oldest supported C library has neither the function nor the struct.
#pragma once

#include <stdint.h>
#include <sys/stat.h>

namespace common {

struct FileIdentity {
  mode_t mode = 0;
  uint32_t rdev_major = 0;
  uint32_t rdev_minor = 0;
  uint32_t dev_major = 0;
  uint32_t dev_minor = 0;
  uint64_t inode = 0;
};

// False with errno set.
bool identify(int fd, FileIdentity* identity);

inline bool same_file(const FileIdentity& left, const FileIdentity& right) {
  return left.dev_major == right.dev_major && left.dev_minor == right.dev_minor && left.inode == right.inode;
}

// The multiplexer's device number, which every devpts' ptmx and the host's /dev/ptmx share.
inline bool is_ptmx(const FileIdentity& file) {
  return S_ISCHR(file.mode) && file.rdev_major == 5 && file.rdev_minor == 2;
}

}  // namespace common
