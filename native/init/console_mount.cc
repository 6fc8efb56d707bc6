#include "console_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "decimal.h"
#include "devpts.h"
#include "file_kind.h"
#include "proc_fd.h"
#include "working_directory.h"

// Linux 5.2; newer than the headers of the oldest supported C libraries. The numbers are the same everywhere.
#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif

namespace init {

namespace {

using common::UniqueFd;

constexpr unsigned kOpenTreeClone = 1;     // OPEN_TREE_CLONE
constexpr unsigned kEmptyPath = 0x1000;    // AT_EMPTY_PATH
constexpr unsigned kFromDescriptor = 0x4;  // MOVE_MOUNT_F_EMPTY_PATH
constexpr unsigned kToDescriptor = 0x40;   // MOVE_MOUNT_T_EMPTY_PATH

bool refuse_mount(int error, Message* problem) {
  problem->add("--mount-console: expected to mount the terminal on /dev/console, got ").error(error);
  problem->add("; it takes CAP_SYS_ADMIN in a mount namespace of its own");
  return false;
}

// O_EXCL: nothing that is there already is opened, neither a FIFO nor a device nor what a link leads to.
bool open_new_place(int dev, UniqueFd* place, Message* problem) {
  place->reset(openat(dev, "console", O_CREAT | O_EXCL | O_NOFOLLOW | O_RDONLY | O_CLOEXEC, 0600));
  if (place->valid()) return true;
  problem->add("--mount-console: expected to make /dev/console, got ").error(errno);
  problem->add("; put an empty file there");
  return false;
}

bool open_place(int dev, UniqueFd* place, Message* problem) {
  place->reset(openat(dev, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!place->valid() && errno == ENOENT) return open_new_place(dev, place, problem);
  struct stat status;
  if (!place->valid() || fstat(place->get(), &status) == -1) {
    problem->add("--mount-console: expected to look at /dev/console, got ").error(errno);
    problem->add("; see what denies it here");
    return false;
  }
  if (S_ISREG(status.st_mode)) return true;
  // A device too: it is the host's own console where /dev is the host's.
  problem->add("--mount-console: \"/dev/console\": expected nothing or a regular file to mount on, got ");
  add_kind(common::file_seen(status), problem);
  problem->add("; remove it from the root file system");
  return false;
}

bool mount_by_descriptors(int peer, int place) {
  UniqueFd tree(static_cast<int>(syscall(SYS_open_tree, peer, "", kEmptyPath | kOpenTreeClone | O_CLOEXEC)));
  if (!tree.valid()) return false;
  return syscall(SYS_move_mount, tree.get(), "", place, "", kFromDescriptor | kToDescriptor) == 0;
}

// The two as entries of a genuine /proc/self/fd, which lead to just these files.
bool mount_through_proc(int peer, int place) {
  UniqueFd proc_self_fd = common::open_proc_self_fd();
  WorkingDirectory there;
  if (!proc_self_fd.valid() || !there.enter(proc_self_fd.get())) return false;
  char source[common::kDecimalLength];
  char target[common::kDecimalLength];
  common::format_decimal(static_cast<unsigned>(peer), source);
  common::format_decimal(static_cast<unsigned>(place), target);
  bool mounted = mount(source, target, nullptr, MS_BIND, nullptr) == 0;
  int error = errno;
  if (!there.leave()) return false;
  errno = error;
  return mounted;
}

}  // namespace

bool mount_console(const UniqueFd& peer, Message* problem) {
  UniqueFd dev;
  UniqueFd place;
  common::PtyFailure failure = common::open_dev(&dev);
  if (failure.failed()) return refuse_mount(failure.error, problem);
  if (!open_place(dev.get(), &place, problem)) return false;
  if (mount_by_descriptors(peer.get(), place.get())) return true;
  int error = errno;
  // ENOSYS before Linux 5.2, EPERM also from a seccomp profile that does not know the calls.
  bool unknown = error == ENOSYS || error == EPERM;
  if (unknown && mount_through_proc(peer.get(), place.get())) return true;
  return refuse_mount(error, problem);
}

}  // namespace init
