// Failures between /dev/pts and a new terminal, in a form that console-init turns into a sentence and the addon into an
// error code. PtyProblem of binding/native.ts mirrors the enum, and a test compares them.
#pragma once

#include <stdint.h>
#include <sys/types.h>

namespace common {

enum class PtyProblem {
  kNone,
  kDirectory,      // `path`, a component of /dev/pts, could not be opened as a directory
  kNotDevpts,      // `path` is on another kind of file system: `filesystem`
  kOpen,           // `path` could not be opened
  kMountedOver,    // something is mounted over `path`
  kWrongFile,      // `path` is another kind of file than it has to be: `seen`
  kNoProc,         // openat2(2) is not available and /proc is not a proc file system, so `path` cannot be opened safely
  kUnlock,         // TIOCSPTLCK
  kPeer,           // TIOCGPTPEER
  kPeerElsewhere,  // the peer of `path` is not a terminal of the devpts on /dev/pts
};

// All zero where the file is not known.
struct FileSeen {
  mode_t mode = 0;
  unsigned rdev_major = 0;
  unsigned rdev_minor = 0;
};

struct PtyFailure {
  PtyProblem problem = PtyProblem::kNone;
  int error = 0;            // errno, or 0 where a call succeeded and found the wrong file
  const char* path = "";    // a literal, or the caller's own string
  FileSeen seen{};          // the file at `path`
  uint32_t filesystem = 0;  // f_type of statfs(2)

  bool failed() const { return problem != PtyProblem::kNone; }
};

inline PtyFailure pty_failure(PtyProblem problem, int error, const char* path) {
  PtyFailure failure;
  failure.problem = problem;
  failure.error = error;
  failure.path = path;
  return failure;
}

}  // namespace common
