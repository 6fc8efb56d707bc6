// The descriptors that one environment (the main thread, or a Worker) owns. A Worker can be terminated at any step, so
// a descriptor is entered before JavaScript gets its number, and teardown closes those that are left. One byte per
// number, so that receiving a descriptor costs no allocation.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <vector>

namespace addon {

class OwnedFds {
 public:
  OwnedFds() = default;
  OwnedFds(const OwnedFds&) = delete;
  OwnedFds& operator=(const OwnedFds&) = delete;
  ~OwnedFds() { close_all(); }

  // Takes `fd`. Returns it, for use in an expression.
  int own(int fd);
  // Gives `fd` up without closing it. False when it is not owned here.
  bool disown(int fd);
  bool owns(int fd) const;
  void close_all();

 private:
  std::vector<uint8_t> owned_;
};

}  // namespace addon
