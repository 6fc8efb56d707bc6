// The command gets the descriptors 0, 1 and 2 only. exec closes all others that the caller left open: a directory of
// the host would be enough to leave a container (CVE-2024-21626).
#pragma once

namespace init {

// Opens each standard descriptor that is closed. Otherwise the next open(2) would take its number, and messages to
// standard error would be written to that file. O_PATH descriptors, because /dev/null need not exist here.
void occupy_standard_descriptors();

enum class Close { kOnExec, kNow };

// Closes every descriptor above 2. False with errno set.
bool close_inherited(Close when);

}  // namespace init
