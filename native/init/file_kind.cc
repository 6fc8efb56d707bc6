#include "file_kind.h"

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

void add_kind(const common::FileSeen& seen, Message* message) {
  message->add(kind_of(seen.mode));
  if (S_ISCHR(seen.mode) || S_ISBLK(seen.mode)) message->number(seen.rdev_major).add(":").number(seen.rdev_minor);
}

}  // namespace init
