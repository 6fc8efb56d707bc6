#include "owned_fds.h"

#include "threads.h"

namespace addon {

int OwnedFds::own(int fd, Owned how) {
  size_t index = static_cast<size_t>(fd);
  if (index >= owned_.size()) owned_.resize(index + 64, Owned::kNot);
  owned_[index] = how;
  return fd;
}

void OwnedFds::change(int fd, Owned how) {
  if (this->how(fd) != Owned::kNot) owned_[static_cast<size_t>(fd)] = how;
}

Owned OwnedFds::disown(int fd) {
  Owned was = how(fd);
  if (was != Owned::kNot) owned_[static_cast<size_t>(fd)] = Owned::kNot;
  return was;
}

Owned OwnedFds::how(int fd) const {
  size_t index = static_cast<size_t>(fd);
  return fd >= 0 && index < owned_.size() ? owned_[index] : Owned::kNot;
}

void OwnedFds::end() {
  // The process exits next, and the kernel closes.
  if (is_main_thread()) return;
  for (size_t fd = 0; fd < owned_.size(); ++fd) {
    int number = static_cast<int>(fd);
    if (owned_[fd] != Owned::kNot) hand_over({&number, 1}, closing_kind(owned_[fd]));
  }
  owned_.clear();
}

}  // namespace addon
