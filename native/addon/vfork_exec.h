// vfork(2) and execve(2): a process whose memory is this one's until it has another program.
#pragma once

#include <sys/types.h>

#include <span>

namespace addon {

struct ExecPlan {
  const char* file = nullptr;
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  // Or nullptr.
  const char* directory = nullptr;
  bool own_session = false;
  // What becomes 0, 1, 2 …; no other descriptor is left open on purpose, all are to be close-on-exec.
  std::span<const int> descriptors;
};

struct ExecFailure {
  int error = 0;
  const char* call = nullptr;
};

// The child's pid, or -1 and why. The caller has all signals blocked, and its thread stands still until execve. The
// child has default actions and no signal blocked.
pid_t vfork_exec(const ExecPlan& plan, ExecFailure* failure);

}  // namespace addon
