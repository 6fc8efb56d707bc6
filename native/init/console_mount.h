// --mount-console: the terminal as /dev/console as well, for programs that insist on one. A root file system may have
// laid a trap there (CVE-2025-52565): only an empty place and a regular file are mounted on, nothing is opened or cut
// to find out, and source and target of the mount are descriptors, no names.
#pragma once

#include "message.h"
#include "unique_fd.h"

namespace init {

bool mount_console(const common::UniqueFd& peer, Message* problem);

}  // namespace init
