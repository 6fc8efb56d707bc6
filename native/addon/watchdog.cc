#include "watchdog.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <utility>

#include "interrupting_signal.h"
#include "threads.h"

namespace addon {

namespace {

// A call that two consecutive looks find has lasted from 20 to 40 ms.
constexpr timespec kPeriod{.tv_sec = 0, .tv_nsec = 20'000'000};
// After this many looks without a guarded call the thread sleeps until the next one.
constexpr int kQuietLooks = 50;

}  // namespace

// Never destroyed, and its thread never joined: it may be anywhere while the process exits.
struct WatchdogThread {
  Mutex mutex;
  Watchdog* slots = nullptr;
  bool running = false;

  static WatchdogThread& instance() {
    static auto* only = new WatchdogThread;
    return *only;
  }

  // With the mutex locked. Returns 0 or an error number.
  int start() {
    if (running) return 0;
    int error = start_thread([](void* self) -> void* { static_cast<WatchdogThread*>(self)->run(); }, this);
    running = error == 0;
    return error;
  }

  [[noreturn]] void run() {
    for (int quiet = 0;;) {
      if (quiet < kQuietLooks) {
        nanosleep(&kPeriod, nullptr);
      } else {
        Watchdog::asleep.store(1);
        // A call that began before it could see the line above is found by this look.
        if (look()) Watchdog::asleep.store(0);
        while (Watchdog::asleep.load() != 0) {
          syscall(SYS_futex, &Watchdog::asleep, FUTEX_WAIT_PRIVATE, 1, nullptr, nullptr, 0);
        }
        quiet = 0;
      }
      quiet = look() ? 0 : quiet + 1;
    }
  }

  // True when any guarded call was made since the last look.
  bool look() {
    bool active = false;
    Lock lock(mutex);
    for (Watchdog* slot = slots; slot != nullptr; slot = slot->next_) {
      uint64_t state = slot->state_.load();
      if ((state & Watchdog::kInside) != 0 || state != slot->last_seen_) active = true;
      if (lasts(slot, state)) slot->sent_ |= interrupt_thread(slot->thread_);
      slot->last_seen_ = state;
    }
    return active;
  }

  // Whether the slot's thread is in the call that the last look found it in. From here on that call cannot be left
  // without take_signals(), which waits for the mutex.
  static bool lasts(Watchdog* slot, uint64_t state) {
    if ((state & Watchdog::kFiring) != 0) return true;
    if ((state & Watchdog::kInside) == 0 || state != slot->last_seen_) return false;
    return slot->state_.compare_exchange_strong(state, state | Watchdog::kFiring);
  }
};

Watchdog::Watchdog() : thread_(static_cast<pid_t>(syscall(SYS_gettid))) {}

int Watchdog::watch() {
  if (watched_) return 0;
  auto& watcher = WatchdogThread::instance();
  Lock lock(watcher.mutex);
  int error = watcher.start();
  if (error == 0) {
    next_ = watcher.slots;
    watcher.slots = this;
    watched_ = true;
  }
  return error;
}

Watchdog::~Watchdog() {
  if (!watched_) return;
  auto& watcher = WatchdogThread::instance();
  Lock lock(watcher.mutex);
  for (Watchdog** link = &watcher.slots; *link != nullptr; link = &(*link)->next_) {
    if (*link != this) continue;
    *link = next_;
    break;
  }
}

void Watchdog::wake() {
  if (asleep.exchange(0) != 0) syscall(SYS_futex, &asleep, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

// The state says already that the call was left, so no further signal is sent for it; one that is just being sent is
// waited for.
void Watchdog::take_signals() {
  int error = errno;
  uint64_t sent;
  {
    Lock lock(WatchdogThread::instance().mutex);
    sent = std::exchange(sent_, 0);
  }
  take_pending(sent);
  errno = error;
}

}  // namespace addon
