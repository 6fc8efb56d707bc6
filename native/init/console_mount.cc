#include "console_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
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
  return refuse(problem,
                "--mount-console: expected to mount the terminal on /dev/console, got {}; it takes CAP_SYS_ADMIN in a "
                "mount namespace of its own",
                strerror(error));
}

// O_EXCL: opens no existing FIFO or device, and follows no link.
bool create_target(int dev, UniqueFd* target, Message* problem) {
  target->reset(openat(dev, "console", O_CREAT | O_EXCL | O_NOFOLLOW | O_RDONLY | O_CLOEXEC, 0600));
  if (target->valid()) return true;
  return refuse(problem, "--mount-console: expected to create /dev/console, got {}; put an empty file there",
                strerror(errno));
}

bool open_target(int dev, UniqueFd* target, Message* problem) {
  target->reset(openat(dev, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!target->valid() && errno == ENOENT) return create_target(dev, target, problem);
  struct stat status;
  if (!target->valid() || fstat(target->get(), &status) == -1) {
    return refuse(problem, "--mount-console: expected to look at /dev/console, got {}; see what denies it here",
                  strerror(errno));
  }
  // A device is refused too: where /dev is the host's, it is the host's own console.
  if (S_ISREG(status.st_mode)) return true;
  return refuse(
      problem,
      "--mount-console: \"/dev/console\": expected nothing or a regular file to mount on, got {}; remove it from "
      "the root file system",
      FileKind(common::file_seen(status)).text());
}

bool mount_by_descriptors(int peer, int target) {
  UniqueFd tree(static_cast<int>(syscall(SYS_open_tree, peer, "", kEmptyPath | kOpenTreeClone | O_CLOEXEC)));
  if (!tree.valid()) return false;
  return syscall(SYS_move_mount, tree.get(), "", target, "", kFromDescriptor | kToDescriptor) == 0;
}

// Names both as entries of a genuine /proc/self/fd, which lead to exactly these files.
bool mount_through_proc(int peer, int target) {
  UniqueFd proc_self_fd = common::open_proc_self_fd();
  WorkingDirectory there;
  if (!proc_self_fd.valid() || !there.enter(proc_self_fd.get())) return false;
  char source_name[common::kDecimalLength];
  char target_name[common::kDecimalLength];
  common::format_decimal(static_cast<unsigned>(peer), source_name);
  common::format_decimal(static_cast<unsigned>(target), target_name);
  bool mounted = mount(source_name, target_name, nullptr, MS_BIND, nullptr) == 0;
  int error = errno;
  if (!there.leave()) return false;
  errno = error;
  return mounted;
}

}  // namespace

bool mount_console(const UniqueFd& peer, Message* problem) {
  UniqueFd dev;
  UniqueFd target;
  common::PtyFailure failure = common::open_dev(&dev);
  if (failure.failed()) return refuse_mount(failure.error, problem);
  if (!open_target(dev.get(), &target, problem)) return false;
  if (mount_by_descriptors(peer.get(), target.get())) return true;
  int error = errno;
  // ENOSYS before Linux 5.2. EPERM also from a seccomp profile that does not know the calls.
  bool unknown = error == ENOSYS || error == EPERM;
  if (unknown && mount_through_proc(peer.get(), target.get())) return true;
  return refuse_mount(error, problem);
}

}  // namespace init
