// --ready-fd and --wait-fd: the console is there, says console-init; go on, says the outside. One byte each way, so a
// pipe each or one socket for both will do. An end without the byte says that the other side is gone.
#pragma once

#include "message.h"
#include "options.h"

namespace init {

// Early: a number that nobody opened is found before the terminal is sent.
bool check_handshake(const Options& options, Message* problem);

// Writes a newline, and closes the descriptor unless it is the one to wait on or a standard one.
bool tell_ready(const Options& options, Message* problem);

// Reads a byte, and closes.
bool wait_for_go(const Options& options, Message* problem);

}  // namespace init
