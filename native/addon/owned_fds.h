// The descriptors that one environment (the main thread, or a Worker) owns. A Worker can end at any step without its
// JavaScript being asked, so ownership is noted here, before JavaScript sees the number, and what is left is closed at
// teardown. One byte per number: receiving a descriptor must not cost an allocation.
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

  // Takes `fd` and gives it back, for use in an expression.
  int own(int fd);
  // Gives `fd` up without closing it. False when it is not owned here.
  bool disown(int fd);
  void close_all();

 private:
  std::vector<uint8_t> owned_;
};

}  // namespace addon
