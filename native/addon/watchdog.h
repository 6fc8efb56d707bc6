// Interrupts a system call that blocks although it must not.
//
// PtyStream checks a master's O_NONBLOCK before every read and write. Another holder of the open file description can
// clear the flag after the check and consume the announced byte: then the call blocks the event loop. So a thread
// watches the calls. It sends a signal to the thread of a call that lasts; the handler has no SA_RESTART, so a blocked
// read fails with EINTR, and a blocked write returns a short count.
//
// A signal is sent only while its call lasts, and guard() returns only when every signal for its call has been
// delivered: none can interrupt a later call of this thread.
//
// The watching thread sleeps after a while without guarded calls. A guarded call costs two exchanges and a load.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <atomic>

namespace addon {

// The slot of one thread, which creates, uses and destroys it.
class Watchdog {
 public:
  Watchdog();
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Registers the calling thread, and starts the watching thread if there is none. Returns 0, or the error of
  // pthread_create(3).
  int watch();

  template <typename Call>
  auto guard(Call call) {
    enter();
    auto result = call();
    leave();
    return result;
  }

  // Whether the last guarded call lasted so long that a signal was sent to interrupt it.
  bool interrupted() const { return interrupted_; }

 private:
  friend struct WatchdogThread;
  // The state of a call: its number from bit 2 on, and whether the thread is inside it, and whether it is being
  // interrupted.
  static constexpr uint64_t kInside = 1;
  static constexpr uint64_t kFiring = 2;
  static constexpr uint64_t kNextCall = 4;

  void enter() {
    call_ += kNextCall;
    state_.store(call_ | kInside);
    if (asleep.load() != 0) wake();
  }

  // Keeps errno.
  void leave() {
    interrupted_ = (state_.exchange(call_) & kFiring) != 0;
    if (interrupted_) take_signals();
  }

  static void wake();
  void take_signals();

  // Whether the watching thread sleeps until it is woken: a futex.
  static inline std::atomic<uint32_t> asleep{0};

  pid_t thread_;
  bool watched_ = false;
  bool interrupted_ = false;
  uint64_t call_ = 0;
  std::atomic<uint64_t> state_{0};
  // With the watching thread's mutex: the signals that were sent for this call (bit 0 is signal 1), the next slot, and
  // the state that the watching thread saw last.
  uint64_t sent_ = 0;
  uint64_t last_seen_ = 0;
  Watchdog* next_ = nullptr;
};

}  // namespace addon
