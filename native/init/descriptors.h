// Which descriptors the command gets: 0, 1 and 2, and no other. Whatever else the caller left open (a directory of the
// host is enough to leave a container, CVE-2024-21626) is closed by exec.
#pragma once

namespace init {

// Where a standard descriptor is closed, the next open(2) would take its number, and a message to standard error would
// land in whatever that was. /dev/null need not exist here: the places are taken by handles nobody can read or write.
void occupy_standard_descriptors();

enum class Inherited { kCloseOnExec, kCloseNow };

// Every descriptor above 2. False with errno set.
bool dismiss_descriptors(Inherited how);

}  // namespace init
