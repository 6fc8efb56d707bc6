// Ends a system call that should not have blocked and did.
//
// A master's O_NONBLOCK is looked at before every read and write, but who shares the open file description can clear it
// in between, and steal the byte that readiness announced: then the call sleeps for as long as they like, and the event
// loop with it. So a thread watches: a call that lasts is sent a real-time signal, whose empty handler has no
// SA_RESTART. A blocked read then fails with EINTR, a blocked write ends short.
//
// The thread sleeps while no guarded call was made for a while. A guarded call costs two stores and a load.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <atomic>

namespace addon {

// One thread's slot: odd while it is inside a guarded call, and another number for each.
class Watchdog {
 public:
  // Registers the calling thread. A failure to watch is no failure to work: calls are then unguarded.
  Watchdog();
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  template <typename Call>
  auto guard(Call call) {
    enter();
    auto result = call();
    sequence_.fetch_add(1, std::memory_order_relaxed);
    return result;
  }

  // Whether a signal came in the last guarded call. One that lasts gets one, again and again.
  bool interrupted() const;

 private:
  friend struct WatchdogThread;
  void enter();

  pid_t thread_;
  std::atomic<uint64_t> sequence_{0};
  uint32_t deliveries_before_ = 0;
  // The watching thread's own.
  uint64_t last_seen_ = 0;
  Watchdog* next_ = nullptr;
};

}  // namespace addon
