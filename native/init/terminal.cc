#include "terminal.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "file_kind.h"

namespace init {

namespace {

using common::PtyFailure;
using common::PtyProblem;

constexpr char kMountDevpts[] = "mount one: mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts";
constexpr char kHowElse[] = "mount /dev/pts with ptmxmode=0666, or give the host's multiplexer: --ptmx /dev/ptmx";

// A directory is what was to be there: then it is the error that tells.
void explain_directory(const PtyFailure& failure, Message* problem) {
  problem->add("expected a directory, got ");
  if (failure.seen.mode == 0 || S_ISDIR(failure.seen.mode)) {
    problem->error(failure.error);
  } else {
    add_kind(failure.seen, problem);
  }
  problem->add("; make it a directory and ").add(kMountDevpts);
}

void explain_open(const PtyFailure& failure, Message* problem) {
  problem->add("expected to open the terminal multiplexer, got ").error(failure.error);
  bool closed = failure.error == EACCES && failure.seen.mode != 0;
  if (closed) problem->add((failure.seen.mode & 0777) == 0 ? " (ptmxmode=000)" : " (see its mode)");
  problem->add("; ").add(kHowElse);
}

void explain(const PtyFailure& failure, Message* problem) {
  problem->quote(failure.path).add(": ");
  switch (failure.problem) {
    case PtyProblem::kNone:
      return;
    case PtyProblem::kDirectory:
      explain_directory(failure, problem);
      return;
    case PtyProblem::kNotDevpts:
      problem->add("expected a devpts, got a file system of type ").hexadecimal(failure.filesystem);
      problem->add("; ").add(kMountDevpts);
      return;
    case PtyProblem::kOpen:
      explain_open(failure, problem);
      return;
    case PtyProblem::kMountedOver:
      problem->add("expected the devpts' own device, got something mounted over it: ");
      add_kind(failure.seen, problem);
      problem->add("; unmount that");
      return;
    case PtyProblem::kWrongFile:
      problem->add("expected the terminal multiplexer, character device 5:2, got ");
      add_kind(failure.seen, problem);
      problem->add("; ").add(kHowElse);
      return;
    case PtyProblem::kNoProc:
      problem->add("expected openat2 or a proc file system on /proc to open it safely, got neither");
      problem->add("; mount /proc, or let the seccomp profile allow openat2");
      return;
    case PtyProblem::kUnlock:
      problem->add("expected to unlock a new terminal, got ").error(failure.error);
      problem->add("; see what denies ioctl TIOCSPTLCK here");
      return;
    case PtyProblem::kPeer:
      problem->add("expected its peer, got ").error(failure.error);
      problem->add("; TIOCGPTPEER needs Linux 4.13, and a devpts beside the multiplexer");
      return;
    case PtyProblem::kPeerElsewhere:
      problem->add("expected a terminal of the devpts on /dev/pts, got one of another devpts");
      problem->add("; give a multiplexer that belongs to /dev/pts");
      return;
  }
}

bool set_size(const common::Pty& pty, const winsize& size, Message* problem) {
  if (ioctl(pty.ptmx.get(), TIOCSWINSZ, &size) == 0) return true;
  problem->add("--size: expected to set the window size, got ").error(errno).add("; see what denies ioctl TIOCSWINSZ");
  return false;
}

}  // namespace

bool open_terminal(const Options& options, common::Pty* pty, Message* problem) {
  PtyFailure failure = options.ptmx != nullptr ? common::open_pty_through(options.ptmx, pty) : common::open_pty(pty);
  if (failure.failed()) {
    explain(failure, problem);
    return false;
  }
  // Before it is sent: the receiver may set another size, and the command must not see this one after that.
  return !options.has_size || set_size(*pty, options.size, problem);
}

}  // namespace init
