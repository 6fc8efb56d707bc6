// The creator's first words to the reaper: kHello and kStart, before there are two processes.
#pragma once

#include "start.h"

namespace keeper {

// Waits for kStart on `socket`, answers kHello, and refuses everything else. False when the creator has gone, or was
// told an error.
bool receive_start(int socket, Start* start);

}  // namespace keeper
