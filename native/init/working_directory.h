// Another working directory for the length of a call: a relative name then begins there, without /proc and without the
// 108 bytes of a socket address. It is this process's own, and is put back.
#pragma once

#include "unique_fd.h"

namespace init {

class WorkingDirectory {
 public:
  WorkingDirectory() = default;
  // Keeps errno.
  ~WorkingDirectory();
  WorkingDirectory(const WorkingDirectory&) = delete;
  WorkingDirectory& operator=(const WorkingDirectory&) = delete;

  // False with errno set.
  bool enter(int directory);
  bool leave();

 private:
  common::UniqueFd before_;
};

}  // namespace init
