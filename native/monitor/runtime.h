// The runtime command: its start and its output.
#pragma once

#include <sys/types.h>

#include "unique_fd.h"

namespace monitor {

struct Runtime {
  pid_t pid = 0;
  // The reading end of its standard output and error. Processes that it leaves may keep the writing end.
  common::UniqueFd output;
  // The writing end, until the command is started.
  common::UniqueFd writing;
};

// False with errno set.
bool open_output(Runtime* runtime);

// Looks up `command` in PATH and starts it. It inherits standard input. Returns 0, or an errno.
int start_runtime(char** command, Runtime* runtime);

}  // namespace monitor
