// The step that console-init is at. --verbose prints each step, and --timeout names the step that took too long.
//
// The time limit is a signal handler instead of a deadline for each call, so that it covers calls without a deadline: a
// connect(2) to a full backlog, or a path on a file system that does not answer.
#pragma once

#include "message.h"

namespace init {

// From now on `verbose` prints each step, and after `timeout_ms` (0: never) the process exits with 125.
void begin_progress(bool verbose, unsigned timeout_ms);

// `doing` continues a sentence: "opening the terminal". It must stay valid.
void step(const char* doing);

// Prints one line with --verbose.
void report(const Message& line);

// The descriptor for messages after the terminal has replaced standard error.
void report_to(int fd);

// A child does not inherit a timer. Starts one in a child for the rest of the time.
void resume_timeout();

// Call it in the parent of that child, and before exec.
void end_timeout();

}  // namespace init
