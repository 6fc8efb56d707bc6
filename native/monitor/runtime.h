// The runtime command: its start, and what it prints.
#pragma once

#include <sys/types.h>

#include "unique_fd.h"

namespace monitor {

struct Runtime {
  pid_t pid = 0;
  // The reading end of its standard output and error. Whatever it leaves behind may keep the writing end.
  common::UniqueFd output;
  // The writing end, until it is started.
  common::UniqueFd writing;
};

// False with errno set.
bool open_output(Runtime* runtime);

// Looks `command` up in PATH and starts it, with nothing to read. 0, or an errno.
int start_runtime(char** command, Runtime* runtime);

}  // namespace monitor
