// Whether the process can still open as many files as one message can bring. At its limit (RLIMIT_NOFILE) recvmsg(2)
// delivers a message's bytes and drops its descriptors for good, so this is asked before.
#pragma once

#include "../common/unique_fd.h"

namespace addon {

class FdTable {
 public:
  FdTable();
  // False also where the kernel does not tell: before Linux 6.2, or without /proc.
  bool has_room() const;

 private:
  common::UniqueFd directory_;
};

}  // namespace addon
