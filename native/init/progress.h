// Where console-init is: said step by step with --verbose, and named by --timeout when a step takes too long.
//
// The time limit is a signal's handler and not a deadline given to each call: it then covers what takes no deadline, a
// connect(2) to a full backlog or a path on a file system that does not answer.
#pragma once

#include "message.h"

namespace init {

// From now on: `verbose` says each step, and after `timeout_ms` (0: never) the process exits with 125.
void begin_progress(bool verbose, unsigned timeout_ms);

// `doing` continues a sentence: "opening the terminal". It must stay valid.
void step(const char* doing);

// With --verbose, one line.
void say(const Message& line);

// Where messages go once the terminal has taken the place of standard error.
void speak_through(int fd);

// A timer stays with the process that set it: a child takes over the rest of the time with this.
void resume_timeout();

// The parent of that child, and whoever is about to become the command, has none any more.
void end_timeout();

}  // namespace init
