// The owner of the terminal, and the user of the command.
#pragma once

#include "message.h"
#include "options.h"
#include "unique_fd.h"

namespace init {

// fchown(2) of the terminal to --owner, else to the user of --user, else not at all.
bool give_terminal(const Options& options, const common::UniqueFd& peer, Message* problem);

// --user: that user and group, and no other group. Groups that a user namespace does not map stay where setgroups(2) is
// denied and the user stays the same.
bool become_user(const Options& options, Message* problem);

}  // namespace init
