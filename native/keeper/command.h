// The runtime's command: its start, and the pipes that it prints to.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "start.h"
#include "unique_fd.h"

namespace keeper {

// What a child could not do, as it comes through `Command::failure`. Nothing comes when the command runs.
struct ExecFailure {
  enum Step : int32_t { kDirectory, kExec };
  int32_t step = kExec;
  int32_t error = 0;
};

struct Command {
  pid_t pid = 0;
  // The reading ends of its standard output and error. Processes that it leaves may keep the writing ends.
  common::UniqueFd streams[2];
  // End of file: it runs. Else an ExecFailure.
  common::UniqueFd failure;
};

// Starts the command, without waiting for exec(2), which a file system may keep waiting. Returns 0 or an errno.
int start_command(const Start& start, Command* command);

}  // namespace keeper
