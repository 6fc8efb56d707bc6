// Replaces this process by the command. The lookup of execvp(3) is done here, because the C libraries differ in it (a
// script without an interpreter line, the path without PATH) and because the message needs the reason of a failure.
#pragma once

#include "message.h"

namespace init {

enum ExitStatus { kOwnFailure = 125, kNotExecutable = 126, kNotFound = 127 };

// Returns only after a failure, with the exit status for it.
ExitStatus run_command(char** command, Message* problem);

}  // namespace init
