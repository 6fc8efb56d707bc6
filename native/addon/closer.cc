#include "closer.h"

#include <fcntl.h>
#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "../common/file_identity.h"
#include "closing_queue.h"
#include "threads.h"

namespace addon {

namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kLookNs = 5 * kMillisecond;
constexpr uint64_t kListenerWaitNs = 5 * kMillisecond;
// A thread that is there and gets no processor: the machine is busy.
constexpr uint64_t kBeginWaitNs = 100 * kMillisecond;
// After this a listener's descriptor gets a thread of its own.
constexpr uint64_t kInsistNs = 1 * kMillisecond;
constexpr uint64_t kLatelyNs = 20 * kMillisecond;
constexpr uint64_t kReplaceNs = 1000 * kMillisecond;

struct Observer {
  void* who;
  ClosingObserver call;
};

// Never destroyed: its threads may be inside close(2) while the process exits.
class Closer {
 public:
  static Closer& instance() {
    static auto* only = new Closer;
    return *only;
  }

  ClosingQueue& of(ClosingKind kind) { return queues_[static_cast<size_t>(kind)]; }
  std::array<ClosingQueue, kClosingKinds>& queues() { return queues_; }

  int start();
  void kick(bool at_once);
  bool asleep() const { return asleep_.load(); }
  bool full() const { return full_.load(std::memory_order_relaxed); }

  void observe(void* who, ClosingObserver observer);
  void unobserve(void* who);
  void tell(ClosingEvent event, ClosingKind kind, uint64_t ms);
  std::atomic<int> watches{0};

 private:
  [[noreturn]] void supervise();
  bool look();

  // In the order of ClosingKind.
  std::array<ClosingQueue, kClosingKinds> queues_{ClosingQueue(true), ClosingQueue(false), ClosingQueue(false)};
  Mutex mutex_;
  Condition wake_;
  bool running_ = false;
  bool kicked_ = false;
  bool at_once_ = false;
  std::atomic<bool> asleep_{false};
  std::atomic<bool> full_{false};
  Mutex observers_mutex_;
  std::vector<Observer> observers_;
};

int Closer::start() {
  Lock lock(mutex_);
  for (ClosingQueue& queue : queues_) {
    int error = queue.start();
    if (error != 0) return error;
  }
  if (running_) return 0;
  int error = start_thread(
      [](void* self) -> void* {
        prctl(PR_SET_NAME, "cmsg-supervisor");
        static_cast<Closer*>(self)->supervise();
      },
      this);
  running_ = error == 0;
  return error;
}

void Closer::kick(bool at_once) {
  Lock lock(mutex_);
  kicked_ = true;
  at_once_ = at_once_ || at_once;
  wake_.signal();
}

// Looks while anything changes, and sleeps otherwise, also while closes hang: they can do so for hours. A descriptor
// that was handed over before the thread could be seen asleep is found by the look after that.
void Closer::supervise() {
  Lock lock(mutex_);
  for (;;) {
    asleep_.store(false);
    kicked_ = false;
    uint64_t next = monotonic_ns() + kLookNs;
    while (!at_once_ && monotonic_ns() < next) wake_.wait_until(lock, next);
    at_once_ = false;
    lock.unlock();
    bool busy = look();
    if (!busy) {
      asleep_.store(true);
      busy = look();
    }
    lock.lock();
    while (!busy && !kicked_) wake_.wait(lock);
  }
}

bool Closer::look() {
  uint64_t now = monotonic_ns();
  bool busy = false;
  bool full = false;
  for (size_t i = 0; i < kClosingKinds; ++i) {
    QueueLook seen = queues_[i].look(now);
    busy = busy || seen.busy;
    full = full || queues_[i].full();
    for (uint64_t ms : seen.hangs_ms) tell(ClosingEvent::kHangs, static_cast<ClosingKind>(i), ms);
  }
  if (full_.exchange(full) != full) tell(full ? ClosingEvent::kFull : ClosingEvent::kFree, ClosingKind::kOthers, 0);
  return busy;
}

void Closer::observe(void* who, ClosingObserver observer) {
  Lock lock(observers_mutex_);
  observers_.push_back({who, observer});
}

void Closer::unobserve(void* who) {
  Lock lock(observers_mutex_);
  std::erase_if(observers_, [who](const Observer& observer) { return observer.who == who; });
}

void Closer::tell(ClosingEvent event, ClosingKind kind, uint64_t ms) {
  Lock lock(observers_mutex_);
  for (const Observer& observer : observers_) observer.call(observer.who, event, kind, ms);
}

// By inode: whether dup2(2) has put the file there. The close that it implies may hang all the same.
bool same_file(int one, int other) {
  common::FileIdentity first, second;
  return common::identify(one, &first) && common::identify(other, &second) && common::same_file(first, second);
}

}  // namespace

int start_closer() {
  return Closer::instance().start();
}

void hand_over(std::span<const int> fds, ClosingKind kind) {
  if (fds.empty()) return;
  auto& closer = Closer::instance();
  uint64_t ticket;
  if (!closer.of(kind).hand_over(fds, &ticket)) closer.kick(true);
}

void hand_over_and_wait(int fd, ClosingKind kind) {
  auto& closer = Closer::instance();
  auto& queue = closer.of(kind);
  uint64_t now = monotonic_ns();
  uint64_t ticket;
  if (!queue.hand_over({&fd, 1}, &ticket)) closer.kick(true);
  if (queue.wait_closed(ticket, now + kInsistNs)) return;
  if (queue.insist()) queue.wait_begun(ticket, now + kBeginWaitNs);
  queue.wait_closed(ticket, monotonic_ns() + kListenerWaitNs);
}

bool hand_over_replaced(int fd, int replacement) {
  auto& closer = Closer::instance();
  auto& queue = closer.of(ClosingKind::kListeners);
  bool distinct = !same_file(fd, replacement);
  uint64_t now = monotonic_ns();
  uint64_t ticket;
  if (!queue.hand_over_replaced(fd, replacement, &ticket)) closer.kick(true);
  if (queue.wait_closed(ticket, now + kInsistNs)) return true;
  queue.insist();
  for (uint64_t wait = kListenerWaitNs; wait <= kReplaceNs; wait *= 2) {
    if (queue.wait_closed(ticket, now + wait)) return true;
    if (distinct && same_file(fd, replacement)) return true;
  }
  return false;
}

ClosingState closing() {
  uint64_t oldest = UINT64_MAX;
  size_t count = 0;
  for (ClosingQueue& queue : Closer::instance().queues()) count += queue.count(&oldest);
  uint64_t now = monotonic_ns();
  return {count, count == 0 || oldest > now ? 0 : (now - oldest) / kMillisecond};
}

ClosingMark closing_mark() {
  ClosingMark mark;
  auto& queues = Closer::instance().queues();
  for (size_t i = 0; i < kClosingKinds; ++i) mark[i] = queues[i].next_ticket();
  return mark;
}

bool is_closed(const ClosingMark& mark) {
  auto& queues = Closer::instance().queues();
  for (size_t i = 0; i < kClosingKinds; ++i) {
    if (!queues[i].is_closed_before(mark[i])) return false;
  }
  return true;
}

bool closed_lately() {
  uint64_t moment = monotonic_ns() - kLatelyNs;
  auto& queues = Closer::instance().queues();
  return std::any_of(queues.begin(), queues.end(),
                     [moment](ClosingQueue& queue) { return queue.active_since(moment); });
}

bool wait_for_closing(uint64_t limit_ms) {
  ClosingMark mark = closing_mark();
  auto& queues = Closer::instance().queues();
  uint64_t deadline = 0;
  for (size_t i = 0; i < kClosingKinds; ++i) {
    if (queues[i].wait_settled_before(mark[i], 0)) continue;
    if (deadline == 0) deadline = monotonic_ns() + limit_ms * kMillisecond;
    queues[i].wait_settled_before(mark[i], deadline);
  }
  return deadline != 0;
}

bool closer_is_full() {
  return Closer::instance().full();
}

void observe_closing(void* who, ClosingObserver observer) {
  Closer::instance().observe(who, observer);
}

void unobserve_closing(void* who) {
  Closer::instance().unobserve(who);
}

void watch_closing(int change) {
  Closer::instance().watches.fetch_add(change);
}

void wake_supervisor() {
  auto& closer = Closer::instance();
  if (closer.asleep()) closer.kick(false);
}

bool closing_is_watched() {
  return Closer::instance().watches.load() > 0;
}

void tell_closed() {
  Closer::instance().tell(ClosingEvent::kClosed, ClosingKind::kOthers, 0);
}

}  // namespace addon
