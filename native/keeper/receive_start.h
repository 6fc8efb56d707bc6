// The creator's first words to the reaper: kHello and kStart, before there are two processes.
#pragma once

#include "start.h"

namespace keeper {

// Waits for kStart on `socket`, answers kHello, and refuses everything else. False when the creator has gone, or was
// told an error.
bool receive_start(int socket, Start* start);

// kNotStarted, before there is a process that serves the creator.
void tell_not_started(int socket, int error);

}  // namespace keeper
