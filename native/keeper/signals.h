// The signals of both processes.
#pragma once

#include "unique_fd.h"

namespace keeper {

// Blocks SIGCHLD and SIGTERM, and makes a descriptor for them. Not valid with errno set.
common::UniqueFd open_signals();

// Takes what waits in the descriptor. True when SIGTERM was among it.
bool take_signals(const common::UniqueFd& signals);

// HUP, INT and QUIT. Call it when the command has been forked, because it would inherit that.
void ignore_terminal_signals();

}  // namespace keeper
