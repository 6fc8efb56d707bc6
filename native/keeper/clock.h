// CLOCK_MONOTONIC in milliseconds.
#pragma once

#include <stdint.h>
#include <time.h>

namespace keeper {

inline constexpr uint64_t kNever = UINT64_MAX;

inline uint64_t now_ms() {
  timespec now{};
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1000000;
}

// What epoll_wait(2) is given to wake up at `due`.
inline int timeout_until(uint64_t due, uint64_t now) {
  if (due == kNever) return -1;
  if (due <= now) return 0;
  constexpr uint64_t kLongest = 3600000;
  return static_cast<int>(due - now < kLongest ? due - now : kLongest);
}

}  // namespace keeper
