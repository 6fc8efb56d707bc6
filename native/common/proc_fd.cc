#include "proc_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "decimal.h"
#include "retry.h"

namespace common {

namespace {

constexpr uint32_t kProcMagic = 0x9fa0;  // PROC_SUPER_MAGIC

bool is_proc(int directory, dev_t* device) {
  struct statfs filesystem;
  struct stat status;
  if (fstatfs(directory, &filesystem) == -1 || fstat(directory, &status) == -1) return false;
  *device = status.st_dev;
  return static_cast<uint32_t>(filesystem.f_type) == kProcMagic;
}

bool same_file(const struct stat& left, const struct stat& right) {
  return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

}  // namespace

UniqueFd open_proc_self_fd() {
  constexpr int kDirectory = O_DIRECTORY | O_CLOEXEC;
  UniqueFd proc(open("/proc", kDirectory | O_PATH | O_NOFOLLOW));
  dev_t device = 0;
  if (!proc.valid() || !is_proc(proc.get(), &device)) return UniqueFd();
  // Only the root of a proc file system has a "self", so a mounted part of one is refused. (Its inode number would do
  // as well, but gVisor numbers differently.)
  UniqueFd directory(openat(proc.get(), "self/fd", kDirectory | O_RDONLY));
  struct stat status;
  if (!directory.valid() || fstat(directory.get(), &status) == -1 || status.st_dev != device) return UniqueFd();
  return directory;
}

UniqueFd reopen(const UniqueFd& proc_self_fd, int handle, int flags) {
  char name[kDecimalLength];
  format_decimal(static_cast<unsigned>(handle), name);
  struct stat wanted;
  struct stat found;
  if (fstat(handle, &wanted) == -1 || fstatat(proc_self_fd.get(), name, &found, 0) == -1) return UniqueFd();
  if (!same_file(wanted, found)) {
    errno = ESTALE;
    return UniqueFd();
  }
  return UniqueFd(retry_on_eintr([&] { return openat(proc_self_fd.get(), name, flags | O_CLOEXEC); }));
}

}  // namespace common
