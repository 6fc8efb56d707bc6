// A session on the terminal: setsid(2), TIOCSCTTY in ioctl_tty(2).
#pragma once

#include "message.h"
#include "unique_fd.h"

namespace init {

// Makes this process a session leader with `terminal` as its controlling terminal and its group in the foreground.
// False with errno set: setsid(2) fails for the leader of a process group (a shell's job), and a session leader cannot
// give up a controlling terminal that none of its standard descriptors is. A child has neither problem.
bool lead_session(const common::UniqueFd& terminal);

// The same, for a process that must succeed. False with the reason in `problem`.
bool take_terminal(const common::UniqueFd& terminal, Message* problem);

// Standard input, output and error become `terminal`.
bool use_as_standard(const common::UniqueFd& terminal, Message* problem);

}  // namespace init
