// Becoming the command: the lookup of execvp(3), done here because the C libraries differ in it (a script without an
// interpreter line, the path searched where PATH is unset) and because the caller has to know why it failed.
#pragma once

#include "message.h"

namespace init {

enum ExitStatus { kOwnFailure = 125, kNotExecutable = 126, kNotFound = 127 };

// Returns only when it failed, with the exit status for that.
ExitStatus run_command(char** command, Message* problem);

}  // namespace init
