// What lies somewhere, in words.
#pragma once

#include "message.h"
#include "pty_failure.h"

namespace init {

// "a symbolic link", "character device 5:2"
void add_kind(const common::FileSeen& seen, Message* message);

}  // namespace init
