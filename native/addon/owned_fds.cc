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
  size_t index = static_cast<size_t>(fd);
  if (fd < 0 || index >= owned_.size() || owned_[index] == 0) return false;
  owned_[index] = 0;
  return true;
}

void OwnedFds::close_all() {
  for (size_t fd = 0; fd < owned_.size(); ++fd) {
    if (owned_[fd] != 0) close_untrusted(static_cast<int>(fd));
  }
  owned_.clear();
}

}  // namespace addon
