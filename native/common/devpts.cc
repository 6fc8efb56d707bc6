#include "devpts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "proc_fd.h"
#include "retry.h"

// Newer than the headers of the oldest supported C libraries.
#ifndef SYS_openat2
#define SYS_openat2 437
#endif

namespace common {

namespace {

constexpr uint32_t kDevptsMagic = 0x1cd1;  // DEVPTS_SUPER_MAGIC
constexpr ino_t kPtmxInode = 2;            // fs/devpts/inode.c gives it to the ptmx of each instance
constexpr int kTerminalFlags = O_RDWR | O_NOCTTY | O_CLOEXEC;

// As in linux/openat2.h, which musl does not have.
struct OpenHow {
  uint64_t flags;
  uint64_t mode;
  uint64_t resolve;
};
constexpr uint64_t kResolveNoXdev = 0x01;
constexpr uint64_t kResolveNoSymlinks = 0x04;
constexpr uint64_t kResolveBeneath = 0x08;

int openat2_beneath(int directory, const char* name, int flags) {
  OpenHow how{static_cast<uint64_t>(flags), 0, kResolveBeneath | kResolveNoSymlinks | kResolveNoXdev};
  return retry_on_eintr([&] { return static_cast<int>(syscall(SYS_openat2, directory, name, &how, sizeof(how))); });
}

// Looks up the name again, for the message only.
PtyFailure failure_at(PtyProblem problem, int error, int directory, const char* name, const char* path) {
  PtyFailure result = pty_failure(problem, error, path);
  struct stat status;
  if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0) result.seen = file_seen(status);
  return result;
}

bool is_entry(const struct stat& status, const DevptsEntry& entry) {
  if (entry.inode != 0 && status.st_ino != entry.inode) return false;
  return S_ISCHR(status.st_mode) && status.st_rdev == entry.rdev;
}

PtyFailure check_entry(int fd, const Devpts& devpts, const DevptsEntry& entry) {
  struct stat status;
  if (fstat(fd, &status) == -1) return pty_failure(PtyProblem::kOpen, errno, entry.path);
  PtyFailure result;
  // Report a mount over the entry first, because it explains any other difference.
  if (status.st_dev != devpts.device) {
    result = pty_failure(PtyProblem::kMountedOver, 0, entry.path);
  } else if (!is_entry(status, entry)) {
    result = pty_failure(PtyProblem::kWrongFile, 0, entry.path);
  }
  result.seen = file_seen(status);
  return result;
}

// For kernels before Linux 5.6, and for seccomp profiles that are older than openat2(2).
PtyFailure open_without_openat2(const Devpts& devpts, const DevptsEntry& entry, UniqueFd* opened) {
  int directory = devpts.directory.get();
  UniqueFd handle(openat(directory, entry.name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!handle.valid()) return pty_failure(PtyProblem::kOpen, errno, entry.path);
  PtyFailure wrong = check_entry(handle.get(), devpts, entry);
  if (wrong.failed()) return wrong;
  UniqueFd proc_self_fd = open_proc_self_fd();
  if (!proc_self_fd.valid()) return pty_failure(PtyProblem::kNoProc, 0, entry.path);
  UniqueFd fd = reopen(proc_self_fd, handle.get(), kTerminalFlags);
  if (!fd.valid()) return failure_at(PtyProblem::kOpen, errno, directory, entry.name, entry.path);
  wrong = check_entry(fd.get(), devpts, entry);
  if (!wrong.failed()) opened->reset(fd.release());
  return wrong;
}

// Replaces `directory` by the directory `name` in it; with none open yet, `name` is absolute.
PtyFailure step_into(const char* name, const char* path, UniqueFd* directory) {
  int parent = directory->valid() ? directory->get() : AT_FDCWD;
  int next = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (next == -1) return failure_at(PtyProblem::kDirectory, errno, parent, name, path);
  directory->reset(next);
  return PtyFailure{};
}

}  // namespace

FileSeen file_seen(const struct stat& status) {
  return FileSeen{status.st_mode, major(status.st_rdev), minor(status.st_rdev)};
}

PtyFailure open_dev(UniqueFd* directory) {
  PtyFailure result = step_into("/", "/", directory);
  return result.failed() ? result : step_into("dev", "/dev", directory);
}

PtyFailure open_devpts(Devpts* devpts) {
  UniqueFd directory;
  PtyFailure result = open_dev(&directory);
  if (!result.failed()) result = step_into("pts", "/dev/pts", &directory);
  if (result.failed()) return result;
  struct statfs filesystem;
  struct stat status;
  if (fstatfs(directory.get(), &filesystem) == -1 || fstat(directory.get(), &status) == -1) {
    return pty_failure(PtyProblem::kDirectory, errno, "/dev/pts");
  }
  if (static_cast<uint32_t>(filesystem.f_type) != kDevptsMagic) {
    result = pty_failure(PtyProblem::kNotDevpts, 0, "/dev/pts");
    result.filesystem = static_cast<uint32_t>(filesystem.f_type);
    return result;
  }
  devpts->directory.reset(directory.release());
  devpts->device = status.st_dev;
  return result;
}

DevptsEntry devpts_ptmx() {
  return DevptsEntry{"ptmx", "/dev/pts/ptmx", makedev(5, 2), kPtmxInode};
}

PtyFailure open_devpts_entry(const Devpts& devpts, const DevptsEntry& entry, UniqueFd* opened) {
  int directory = devpts.directory.get();
  // This can open a node of the devpts only: no process can make other files in a devpts, and RESOLVE_NO_XDEV refuses
  // an entry that something is mounted over before it is opened.
  UniqueFd fd(openat2_beneath(directory, entry.name, kTerminalFlags));
  if (!fd.valid()) {
    int error = errno;
    // A seccomp profile answers EPERM to a call that it does not know. If the file itself causes EPERM, the other
    // function fails with it too.
    if (error == ENOSYS || error == EPERM) return open_without_openat2(devpts, entry, opened);
    PtyProblem problem = error == EXDEV ? PtyProblem::kMountedOver : PtyProblem::kOpen;
    return failure_at(problem, error, directory, entry.name, entry.path);
  }
  PtyFailure wrong = check_entry(fd.get(), devpts, entry);
  if (!wrong.failed()) opened->reset(fd.release());
  return wrong;
}

}  // namespace common
