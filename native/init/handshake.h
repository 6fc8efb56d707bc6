// --ready-fd and --wait-fd: console-init reports that the terminal was sent and taken, and waits until the caller lets
// the command run. One byte each way, so two pipes or one socket serve. An end of file means that the caller is gone.
#pragma once

#include "message.h"
#include "options.h"

namespace init {

// Call it first, so that a descriptor that is not open is found before the terminal is sent.
bool check_handshake(const Options& options, Message* problem);

// Writes a newline, and closes the descriptor unless it is the one to wait on or a standard one.
bool write_ready(const Options& options, Message* problem);

// Reads a byte, and closes.
bool read_go(const Options& options, Message* problem);

}  // namespace init
