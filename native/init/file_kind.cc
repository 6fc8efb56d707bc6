#include "file_kind.h"

#include <string.h>
#include <sys/stat.h>

namespace init {

namespace {

const char* kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFLNK:
      return "a symbolic link";
    case S_IFREG:
      return "a regular file";
    case S_IFDIR:
      return "a directory";
    case S_IFIFO:
      return "a FIFO";
    case S_IFSOCK:
      return "a socket";
    case S_IFCHR:
      return "character device ";
    case S_IFBLK:
      return "block device ";
    default:
      return "an unknown kind of file";
  }
}

}  // namespace

FileKind::FileKind(const common::FileSeen& seen) {
  char* end = stpcpy(text_, kind_of(seen.mode));
  if (!S_ISCHR(seen.mode) && !S_ISBLK(seen.mode)) return;
  char number[common::kDecimalLength];
  common::format_decimal(seen.rdev_major, number);
  end = stpcpy(stpcpy(end, number), ":");
  common::format_decimal(seen.rdev_minor, number);
  stpcpy(end, number);
}

}  // namespace init
