// Interrupts a system call that blocks although it must not.
//
// PtyStream checks a master's O_NONBLOCK before every read and write. Another holder of the open file description can
// clear the flag after the check and consume the announced byte: then the call blocks the event loop. So a thread
// watches the calls. It sends a real-time signal to the thread of a call that lasts; the handler has no SA_RESTART, so
// a blocked read fails with EINTR, and a blocked write returns a short count.
//
// The watching thread sleeps after a while without guarded calls. A guarded call costs two stores and a load.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <atomic>

namespace addon {

// The slot of one thread. Its sequence is odd during a guarded call, and differs for each call.
class Watchdog {
 public:
  // Registers the calling thread. If the watching thread cannot start, calls run unguarded.
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

  // Whether a signal arrived during the last guarded call. A call that lasts gets one every period.
  bool interrupted() const;

 private:
  friend struct WatchdogThread;
  void enter();

  pid_t thread_;
  std::atomic<uint64_t> sequence_{0};
  uint32_t deliveries_before_ = 0;
  // Used by the watching thread only.
  uint64_t last_seen_ = 0;
  Watchdog* next_ = nullptr;
};

}  // namespace addon
