#include "watchdog.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

namespace addon {

namespace {

// A call that two consecutive looks find has lasted from 20 to 40 ms.
constexpr uint64_t kPeriodNs = 20'000'000;
// After this many looks without a guarded call the thread sleeps until the next one.
constexpr int kQuietLooks = 50;

// Signals that arrived. A late signal, or one for another thread, counts for the call that it meets, because it may
// have cut that call short.
std::atomic<uint32_t> deliveries{0};
static_assert(std::atomic<uint32_t>::is_always_lock_free, "a signal handler counts");

// A real-time signal without a handler. The last ones are used least. 0 when all have handlers.
int free_signal() {
  for (int number = SIGRTMAX - 1; number > SIGRTMIN; --number) {
    struct sigaction present{};
    if (sigaction(number, nullptr, &present) == 0 && present.sa_handler == SIG_DFL) return number;
  }
  return 0;
}

}  // namespace

// Never destroyed, and its thread never joined: destroying a condition variable that a thread waits for hangs exit.
struct WatchdogThread {
  uv_mutex_t mutex;
  uv_cond_t wake;
  Watchdog* slots = nullptr;
  std::atomic<bool> asleep{false};
  bool running = false;
  int signal = 0;

  WatchdogThread() {
    uv_mutex_init(&mutex);
    uv_cond_init(&wake);
  }

  static WatchdogThread& instance() {
    static auto* only = new WatchdogThread;
    return *only;
  }

  // The existence of a handler makes the signal interrupt the call.
  void start() {
    if (running) return;
    signal = free_signal();
    struct sigaction action{};
    action.sa_handler = [](int) { deliveries.fetch_add(1); };
    if (signal == 0 || sigaction(signal, &action, nullptr) != 0) return;
    uv_thread_options_t options{};
    options.flags = UV_THREAD_HAS_STACK_SIZE;
    options.stack_size = size_t{64} * 1024;
    uv_thread_t thread;
    running = uv_thread_create_ex(
                  &thread, &options, [](void* self) { static_cast<WatchdogThread*>(self)->run(); }, this) == 0;
  }

  void run() {
    uv_mutex_lock(&mutex);
    for (int quiet = 0;;) {
      if (quiet < kQuietLooks) {
        uv_cond_timedwait(&wake, &mutex, kPeriodNs);
      } else {
        asleep.store(true);
        // A call that began before it could see the line above is found by this look.
        if (!look()) uv_cond_wait(&wake, &mutex);
        asleep.store(false);
        quiet = 0;
      }
      quiet = look() ? 0 : quiet + 1;
    }
  }

  // True when any guarded call was made since the last look.
  bool look() {
    bool active = false;
    for (Watchdog* slot = slots; slot != nullptr; slot = slot->next_) {
      uint64_t sequence = slot->sequence_.load();
      bool inside = (sequence & 1) != 0;
      if (inside && sequence == slot->last_seen_) syscall(SYS_tgkill, getpid(), slot->thread_, signal);
      if (inside || sequence != slot->last_seen_) active = true;
      slot->last_seen_ = sequence;
    }
    return active;
  }
};

Watchdog::Watchdog() : thread_(static_cast<pid_t>(syscall(SYS_gettid))) {
  auto& watcher = WatchdogThread::instance();
  uv_mutex_lock(&watcher.mutex);
  watcher.start();
  next_ = watcher.slots;
  watcher.slots = this;
  uv_mutex_unlock(&watcher.mutex);
}

Watchdog::~Watchdog() {
  auto& watcher = WatchdogThread::instance();
  uv_mutex_lock(&watcher.mutex);
  for (Watchdog** link = &watcher.slots; *link != nullptr; link = &(*link)->next_) {
    if (*link != this) continue;
    *link = next_;
    break;
  }
  uv_mutex_unlock(&watcher.mutex);
}

bool Watchdog::interrupted() const {
  return deliveries.load() != deliveries_before_;
}

void Watchdog::enter() {
  deliveries_before_ = deliveries.load();
  sequence_.fetch_add(1);
  auto& watcher = WatchdogThread::instance();
  if (!watcher.asleep.load()) return;
  uv_mutex_lock(&watcher.mutex);
  uv_cond_signal(&watcher.wake);
  uv_mutex_unlock(&watcher.mutex);
}

}  // namespace addon
