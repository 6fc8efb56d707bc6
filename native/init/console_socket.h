// The receiver's end of the wire: a Unix stream socket that carries one message, the bytes of --name with the ptmx as
// the only descriptor. There is no answer; the receiver may accept and receive later.
#pragma once

#include "message.h"
#include "options.h"
#include "unique_fd.h"

namespace init {

// Connects, or takes over the inherited descriptor. False: `problem` says why.
bool open_console_socket(const Options& options, common::UniqueFd* socket, Message* problem);

bool send_console(const common::UniqueFd& socket, const char* name, const common::UniqueFd& ptmx, Message* problem);

}  // namespace init
