#include "pty.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "decimal.h"
#include "file_identity.h"
#include "retry.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

namespace common {

namespace {

constexpr int kTerminalFlags = O_RDWR | O_NOCTTY | O_CLOEXEC;
constexpr unsigned kPeerMajor = 136;  // UNIX98_PTY_SLAVE_MAJOR: one major number for all 2^20 of them

bool is_unknown_ioctl(int error) {
  // ENOTTY and EINVAL before Linux 4.13, ENOSYS and EPERM from a seccomp profile.
  return error == ENOTTY || error == EINVAL || error == ENOSYS || error == EPERM;
}

// The number names the peer only in the devpts that the ptmx was opened in, which is where it is looked up.
PtyFailure open_peer_by_number(const Devpts& devpts, unsigned number, UniqueFd* peer) {
  char name[kDecimalLength];
  format_decimal(number, name);
  return open_devpts_entry(devpts, DevptsEntry{name, "/dev/pts/N", makedev(kPeerMajor, number), 0}, peer);
}

PtyFailure check_peer(const Devpts& devpts, int peer, unsigned number, const char* path) {
  struct stat status;
  if (fstat(peer, &status) == -1) return pty_failure(PtyProblem::kPeer, errno, path);
  bool right = S_ISCHR(status.st_mode) && status.st_rdev == makedev(kPeerMajor, number);
  if (right && status.st_dev == devpts.device) return PtyFailure{};
  PtyFailure result = pty_failure(PtyProblem::kPeerElsewhere, 0, path);
  result.seen = file_seen(status);
  return result;
}

PtyFailure wrong_file(const FileIdentity& seen, const char* path) {
  PtyFailure result = pty_failure(PtyProblem::kWrongFile, 0, path);
  result.seen = FileSeen{seen.mode, seen.rdev_major, seen.rdev_minor};
  return result;
}

enum class PeerByNumber { kAllowed, kRefused };

PtyFailure complete(const Devpts& devpts, const char* path, PeerByNumber by_number, Pty* pty) {
  int unlocked = 0;
  int ptmx = pty->ptmx.get();
  unsigned number = 0;
  if (ioctl(ptmx, TIOCSPTLCK, &unlocked) == -1 || ioctl(ptmx, TIOCGPTN, &number) == -1) {
    return pty_failure(PtyProblem::kUnlock, errno, path);
  }
  pty->peer.reset(retry_on_eintr([&] { return ioctl(ptmx, TIOCGPTPEER, kTerminalFlags); }));
  if (!pty->peer.valid()) {
    int error = errno;
    if (by_number == PeerByNumber::kRefused || !is_unknown_ioctl(error))
      return pty_failure(PtyProblem::kPeer, error, path);
    PtyFailure not_opened = open_peer_by_number(devpts, number, &pty->peer);
    if (not_opened.failed()) return not_opened;
  }
  return check_peer(devpts, pty->peer.get(), number, path);
}

}  // namespace

PtyFailure open_pty(Pty* pty) {
  Devpts devpts;
  PtyFailure result = open_devpts(&devpts);
  if (result.failed()) return result;
  DevptsEntry ptmx = devpts_ptmx();
  result = open_devpts_entry(devpts, ptmx, &pty->ptmx);
  if (result.failed()) return result;
  return complete(devpts, ptmx.path, PeerByNumber::kAllowed, pty);
}

PtyFailure open_pty_through(const char* path, Pty* pty) {
  Devpts devpts;
  PtyFailure result = open_devpts(&devpts);
  if (result.failed()) return result;
  UniqueFd handle(open(path, O_PATH | O_CLOEXEC));
  FileIdentity before;
  if (!handle.valid() || !identify(handle.get(), &before)) return pty_failure(PtyProblem::kOpen, errno, path);
  // Checked before it is opened, because opening a FIFO or a tape drive has effects.
  if (!is_ptmx(before)) return wrong_file(before, path);
  pty->ptmx.reset(retry_on_eintr([&] { return open(path, kTerminalFlags); }));
  FileIdentity after;
  if (!pty->ptmx.valid() || !identify(pty->ptmx.get(), &after)) return pty_failure(PtyProblem::kOpen, errno, path);
  if (!is_ptmx(after) || !same_file(before, after)) return wrong_file(after, path);
  return complete(devpts, path, PeerByNumber::kRefused, pty);
}

}  // namespace common
