// --mount-console: mounts the terminal on /dev/console too, for programs that require that file. A root file system may
// be malicious there (CVE-2025-52565): only a missing or a regular file is mounted on, no existing file is opened for
// reading or writing or truncated, and source and target of the mount are descriptors, not names.
#pragma once

#include "message.h"
#include "unique_fd.h"

namespace init {

bool mount_console(const common::UniqueFd& peer, Message* problem);

}  // namespace init
