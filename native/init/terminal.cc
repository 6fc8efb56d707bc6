#include "terminal.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "file_kind.h"

namespace init {

namespace {

using common::PtyFailure;
using common::PtyProblem;

constexpr char kMountDevpts[] = "mount one: mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts";
constexpr char kOtherWays[] = "mount /dev/pts with ptmxmode=0666, or give the host's multiplexer: --ptmx /dev/ptmx";

// For a directory the error is more exact than the kind.
bool refuse_directory(const PtyFailure& failure, Message* problem) {
  bool by_error = failure.seen.mode == 0 || S_ISDIR(failure.seen.mode);
  FileKind kind(failure.seen);
  return refuse(problem, "{}: expected a directory, got {}; make it a directory and {}", foreign(failure.path),
                by_error ? strerror(failure.error) : kind.text(), kMountDevpts);
}

bool refuse_open(const PtyFailure& failure, Message* problem) {
  const char* hint = "";
  if (failure.error == EACCES && failure.seen.mode != 0) {
    hint = (failure.seen.mode & 0777) == 0 ? " (ptmxmode=000)" : " (see its mode)";
  }
  return refuse(problem, "{}: expected to open the terminal multiplexer, got {}{}; {}", foreign(failure.path),
                strerror(failure.error), hint, kOtherWays);
}

bool refuse_pty(const PtyFailure& failure, Message* problem) {
  Value path = foreign(failure.path);
  const char* error = strerror(failure.error);
  FileKind kind(failure.seen);
  switch (failure.problem) {
    case PtyProblem::kNone:
      return true;
    case PtyProblem::kDirectory:
      return refuse_directory(failure, problem);
    case PtyProblem::kNotDevpts:
      return refuse(problem, "{}: expected a devpts, got a file system of type {}; {}", path,
                    hexadecimal(failure.filesystem), kMountDevpts);
    case PtyProblem::kOpen:
      return refuse_open(failure, problem);
    case PtyProblem::kMountedOver:
      return refuse(problem, "{}: expected the devpts' own device, got something mounted over it: {}; unmount that",
                    path, kind.text());
    case PtyProblem::kWrongFile:
      return refuse(problem, "{}: expected the terminal multiplexer, character device 5:2, got {}; {}", path,
                    kind.text(), kOtherWays);
    case PtyProblem::kNoProc:
      return refuse(
          problem,
          "{}: expected openat2 or a proc file system on /proc to open it safely, got neither; mount /proc, or "
          "let the seccomp profile allow openat2",
          path);
    case PtyProblem::kUnlock:
      return refuse(problem, "{}: expected to unlock a new terminal, got {}; see what denies ioctl TIOCSPTLCK here",
                    path, error);
    case PtyProblem::kPeer:
      return refuse(problem,
                    "{}: expected its peer, got {}; TIOCGPTPEER needs Linux 4.13, and a devpts beside the multiplexer",
                    path, error);
    case PtyProblem::kPeerElsewhere:
      return refuse(
          problem,
          "{}: expected a terminal of the devpts on /dev/pts, got one of another devpts; give a multiplexer that "
          "belongs to /dev/pts",
          path);
  }
  return false;
}

bool set_size(const common::Pty& pty, const winsize& size, Message* problem) {
  if (ioctl(pty.ptmx.get(), TIOCSWINSZ, &size) == 0) return true;
  return refuse(problem, "--size: expected to set the window size, got {}; see what denies ioctl TIOCSWINSZ",
                strerror(errno));
}

}  // namespace

bool open_terminal(const Options& options, common::Pty* pty, Message* problem) {
  PtyFailure failure = options.ptmx != nullptr ? common::open_pty_through(options.ptmx, pty) : common::open_pty(pty);
  if (failure.failed()) return refuse_pty(failure, problem);
  // Before the terminal is sent, because this size must not replace one that the receiver sets.
  return !options.has_size || set_size(*pty, options.size, problem);
}

}  // namespace init
