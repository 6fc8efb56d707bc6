#include "owned_fds.h"

#include "closer.h"

namespace addon {

int OwnedFds::own(int fd) {
  size_t index = static_cast<size_t>(fd);
  if (index >= owned_.size()) owned_.resize(index + 64, 0);
  owned_[index] = 1;
  return fd;
}

bool OwnedFds::disown(int fd) {
  if (!owns(fd)) return false;
  owned_[static_cast<size_t>(fd)] = 0;
  return true;
}

bool OwnedFds::owns(int fd) const {
  size_t index = static_cast<size_t>(fd);
  return fd >= 0 && index < owned_.size() && owned_[index] != 0;
}

void OwnedFds::close_all() {
  for (size_t fd = 0; fd < owned_.size(); ++fd) {
    if (owned_[fd] != 0) close_untrusted(static_cast<int>(fd));
  }
  owned_.clear();
}

}  // namespace addon
