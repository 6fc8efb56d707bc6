#include "working_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

namespace init {

WorkingDirectory::~WorkingDirectory() {
  int error = errno;
  leave();
  errno = error;
}

bool WorkingDirectory::enter(int directory) {
  before_.reset(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (before_.valid() && fchdir(directory) == 0) return true;
  int error = errno;
  before_.reset();
  errno = error;
  return false;
}

bool WorkingDirectory::leave() {
  if (!before_.valid()) return true;
  bool left = fchdir(before_.get()) == 0;
  before_.reset();
  return left;
}

}  // namespace init
