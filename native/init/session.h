// A session of its own, on the terminal: setsid(2), TIOCSCTTY in ioctl_tty(2).
#pragma once

#include "message.h"
#include "supervisor.h"
#include "unique_fd.h"

namespace init {

// Makes the process a session leader with `peer` as its controlling terminal, its group in the foreground.
//
// Mostly that is this process. setsid(2) fails, however, for the leader of a group (a shell's job), and a session
// leader keeps a terminal it cannot reach: then, and with --init always, a child goes on, and the parent supervises it
// until it ends (supervisor.h).
bool take_terminal(const common::UniqueFd& peer, Supervision* supervision, Message* problem);

// Standard input, output and error become `terminal`.
bool use_as_standard(const common::UniqueFd& terminal, Message* problem);

}  // namespace init
