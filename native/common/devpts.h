// The devpts file system of this root, found without trusting anything in the root: /dev, /dev/pts and what lies in it
// may be a symlink, a FIFO, another file system or a bind mount (CVE-2025-52565 and its kin). Every component is looked
// at through an O_PATH handle before it is used, and no file is opened that is not the right device.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include "pty_failure.h"
#include "unique_fd.h"

namespace common {

struct Devpts {
  UniqueFd directory;
  dev_t device = 0;
};

// Walks from / to /dev, through directories only.
PtyFailure open_dev(UniqueFd* directory);

// Walks from / to /dev/pts, through directories only, and makes sure that a devpts is mounted there.
PtyFailure open_devpts(Devpts* devpts);

// A device node that a devpts holds. The inode is looked at where it is known (0: it is not).
struct DevptsEntry {
  const char* name;
  const char* path;  // for messages
  dev_t rdev;
  ino_t inode;
};

// Every devpts gives its multiplexer inode 2, so the inode does not tell one instance from another; the mount does.
DevptsEntry devpts_ptmx();

// Opens an entry read-write, not as a controlling terminal. Not one that something else is mounted over.
PtyFailure open_devpts_entry(const Devpts& devpts, const DevptsEntry& entry, UniqueFd* opened);

FileSeen file_seen(const struct stat& status);

}  // namespace common
