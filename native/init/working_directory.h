// Changes the working directory for the length of a call, so that a relative name starts in another directory: that
// needs no /proc, and shortens the path in a socket address. leave() and the destructor change it back.
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
