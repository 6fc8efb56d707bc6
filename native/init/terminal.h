// Opens the terminal that the options describe, and puts a failure into a sentence.
#pragma once

#include "message.h"
#include "options.h"
#include "pty.h"

namespace init {

bool open_terminal(const Options& options, common::Pty* pty, Message* problem);

}  // namespace init
