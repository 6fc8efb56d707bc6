// Finds the devpts file system of an untrusted root: /dev, /dev/pts and its entries may be a symlink, a FIFO, another
// file system or a bind mount (CVE-2025-52565 and similar). Every component is checked through an O_PATH handle before
// it is used, and only the right device is opened.
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

// A device node in a devpts. The inode is checked unless it is 0 (not known).
struct DevptsEntry {
  const char* name;
  const char* path;  // for messages
  dev_t rdev;
  ino_t inode;
};

// Every devpts gives its multiplexer inode 2, so only the device number tells one instance from another.
DevptsEntry devpts_ptmx();

// Opens an entry read-write, not as a controlling terminal. Fails where something is mounted over the entry.
PtyFailure open_devpts_entry(const Devpts& devpts, const DevptsEntry& entry, UniqueFd* opened);

FileSeen file_seen(const struct stat& status);

}  // namespace common
