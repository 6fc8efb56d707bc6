// The descriptors that one environment (the main thread, or a Worker) owns. A Worker can be terminated at any step, so
// a descriptor is entered before JavaScript gets its number, and teardown closes those that are left. One byte per
// number, so that receiving a descriptor costs no allocation.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <vector>

#include "closer.h"

namespace addon {

// How a descriptor is closed: at once, because no other process had a hand in it, or by one of the closer's queues.
enum class Owned : uint8_t { kNot, kOwn, kOthers, kMaster, kListener };

constexpr bool is_untrusted(Owned owned) {
  return owned > Owned::kOwn;
}

constexpr ClosingKind closing_kind(Owned owned) {
  if (owned == Owned::kMaster) return ClosingKind::kMasters;
  return owned == Owned::kListener ? ClosingKind::kListeners : ClosingKind::kOthers;
}

class OwnedFds {
 public:
  OwnedFds() = default;
  OwnedFds(const OwnedFds&) = delete;
  OwnedFds& operator=(const OwnedFds&) = delete;
  ~OwnedFds() { end(); }

  // Takes `fd`. Returns it, for use in an expression.
  int own(int fd, Owned how);
  // Changes how `fd` is closed, if it is owned here.
  void change(int fd, Owned how);
  // Gives `fd` up without closing it, and returns how it was owned.
  Owned disown(int fd);
  Owned how(int fd) const;

 private:
  void end();

  std::vector<Owned> owned_;
};

}  // namespace addon
