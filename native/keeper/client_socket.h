// The sockets of clients: what is the same for the reader's and the reaper's.
#pragma once

#include "unique_fd.h"

namespace keeper {

// The next connection, non-blocking, of root or of this process's user. Not valid when there is none: a connection of
// anybody else is closed.
common::UniqueFd accept_client(int listener);

// A send buffer of 64 KiB, so that a key is followed by little old output, and no descriptors from the client, whose
// close could wait (Linux 6.16; before it they are received by nobody, and closed here).
void prepare_client(int socket);

}  // namespace keeper
