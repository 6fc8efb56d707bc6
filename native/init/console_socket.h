// The socket to the receiver: a Unix stream socket that carries one message, the bytes of --name with the ptmx as its
// only descriptor. The receiver sends no answer, and may accept and receive later.
#pragma once

#include "message.h"
#include "options.h"
#include "unique_fd.h"

namespace init {

// Connects, or takes the inherited descriptor. False with the reason in `problem`.
bool open_console_socket(const Options& options, common::UniqueFd* socket, Message* problem);

bool send_console(const common::UniqueFd& socket, const char* name, const common::UniqueFd& ptmx, Message* problem);

}  // namespace init
