// Whether the process may open as many more files as one message can carry. At the limit (RLIMIT_NOFILE) recvmsg(2)
// delivers the bytes of a message and drops its descriptors for good, so receivers ask before they call it.
#pragma once

#include "../common/unique_fd.h"

namespace addon {

class DescriptorLimit {
 public:
  DescriptorLimit();
  // False where the kernel does not report the number of open files: before Linux 6.2, or without /proc.
  bool has_room() const;

 private:
  common::UniqueFd directory_;
};

}  // namespace addon
