#include "closing_queue.h"

#include <errno.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>

#include "close_number.h"
#include "closer.h"

namespace addon {

namespace {

constexpr uint64_t kMillisecond = 1'000'000;
// A close that two looks of the supervisor find at least so long apart does not count any more: the next descriptor is
// closed by another thread.
constexpr uint64_t kHangingNs = 4 * kMillisecond;
constexpr uint64_t kToldNs = 1000 * kMillisecond;
// Surplus threads end when none was needed for so long.
constexpr uint64_t kSurplusNs = 2000 * kMillisecond;
// A thread that is woken again so soon was woken for nearly every message, which costs the event loop more than all
// else. After its work it lets descriptors gather for a moment, and is not signalled meanwhile.
constexpr uint64_t kOftenNs = 50'000;
// So many are not let to gather: they count against the limit of open files.
constexpr size_t kGathered = 32;
// After a thread could not be started.
constexpr uint64_t kRetryNs = 50 * kMillisecond;

// EBUSY: another thread is just opening a file under this number.
void replace(int fd, int replacement) {
  int result;
  do {
    result = dup2(replacement, fd);
  } while (result == -1 && (errno == EINTR || errno == EBUSY));
  close_number(replacement);
}

}  // namespace

int ClosingQueue::start() {
  Lock lock(mutex_);
  return workers_.empty() ? add_worker() : 0;
}

// With the mutex locked.
int ClosingQueue::add_worker() {
  Worker& worker = workers_.emplace_back(Worker{this});
  int error = start_thread(run_worker, &worker);
  if (error != 0) workers_.pop_back();
  return error;
}

void* ClosingQueue::run_worker(void* argument) {
  auto* worker = static_cast<Worker*>(argument);
  prctl(PR_SET_NAME, "cmsg-closer");
  worker->queue->run(worker);
  return nullptr;
}

void ClosingQueue::run(Worker* self) {
  Lock lock(mutex_);
  bool often = false;
  for (;;) {
    if (often && entries_.empty()) {
      often = false;
      ++gathering_;
      gather_.wait_until(lock, monotonic_ns() + kOftenNs);
      --gathering_;
    }
    while (entries_.empty()) {
      if (surplus_ > 0) {
        --surplus_;
        workers_.remove_if([self](const Worker& worker) { return &worker == self; });
        return;
      }
      ++idle_;
      uint64_t asleep = monotonic_ns();
      work_.wait(lock);
      often = gathers_ && monotonic_ns() - asleep < kOftenNs;
      --idle_;
      if (woken_ > 0) --woken_;
    }
    Entry entry = entries_.front();
    self->ticket = next_ticket_ - entries_.size();
    self->since = entry.since;
    self->closing = true;
    entries_.pop_front();
    if (waiting_ > 0) done_.broadcast();
    lock.unlock();
    wake_supervisor();
    if (entry.replacement == -1) {
      close_number(entry.fd);
    } else {
      replace(entry.fd, entry.replacement);
    }
    lock.lock();
    bool hung = self->hanging;
    finished(self);
    if (!hung && !closing_is_watched()) continue;
    lock.unlock();
    // It does not look while all that is left are closes that hang.
    if (hung) wake_supervisor();
    if (closing_is_watched()) tell_closed();
    lock.lock();
  }
}

void ClosingQueue::finished(Worker* worker) {
  worker->closing = false;
  worker->told = false;
  if (worker->hanging) {
    worker->hanging = false;
    --hanging_;
  }
  if (entries_.empty()) last_active_ = monotonic_ns();
  if (waiting_ > 0) done_.broadcast();
}

void ClosingQueue::push(int fd, int replacement, uint64_t since) {
  entries_.push_back({fd, replacement, since});
  ++next_ticket_;
  last_active_ = since;
}

// Whether a thread takes what was pushed: one that is not inside a hanging close, or one that sleeps, which is woken.
bool ClosingQueue::wake() {
  size_t running = workers_.size() - idle_ - hanging_ + woken_;
  if (gathering_ > 0 && entries_.size() >= kGathered) gather_.signal();
  if (running > 0) return true;
  if (idle_ == 0) return false;
  ++woken_;
  work_.signal();
  return true;
}

bool ClosingQueue::hand_over(std::span<const int> fds, uint64_t* ticket) {
  uint64_t since = monotonic_ns();
  Lock lock(mutex_);
  for (int fd : fds) push(fd, -1, since);
  *ticket = next_ticket_ - 1;
  return wake();
}

bool ClosingQueue::hand_over_replaced(int fd, int replacement, uint64_t* ticket) {
  uint64_t since = monotonic_ns();
  Lock lock(mutex_);
  push(fd, replacement, since);
  *ticket = next_ticket_ - 1;
  return wake();
}

bool ClosingQueue::insist() {
  Lock lock(mutex_);
  if (entries_.empty()) return true;
  if (idle_ > woken_) {
    ++woken_;
    work_.signal();
    return true;
  }
  needed_at_ = monotonic_ns();
  return workers_.size() < kMaxThreads && add_worker() == 0;
}

uint64_t ClosingQueue::next_ticket() {
  Lock lock(mutex_);
  return next_ticket_;
}

uint64_t ClosingQueue::oldest_ticket(bool unless_hanging) const {
  uint64_t oldest = next_ticket_ - entries_.size();
  for (const Worker& worker : workers_) {
    if (worker.closing && !(unless_hanging && worker.hanging)) oldest = std::min(oldest, worker.ticket);
  }
  return oldest;
}

bool ClosingQueue::is_closed_before(uint64_t ticket) {
  Lock lock(mutex_);
  return oldest_ticket(false) >= ticket;
}

bool ClosingQueue::wait_settled_before(uint64_t ticket, uint64_t deadline) {
  Lock lock(mutex_);
  ++waiting_;
  while (oldest_ticket(true) < ticket && monotonic_ns() < deadline) done_.wait_until(lock, deadline);
  --waiting_;
  return oldest_ticket(true) >= ticket;
}

bool ClosingQueue::is_open(uint64_t ticket) const {
  if (is_queued(ticket)) return true;
  return std::any_of(workers_.begin(), workers_.end(),
                     [ticket](const Worker& worker) { return worker.closing && worker.ticket == ticket; });
}

bool ClosingQueue::wait_closed(uint64_t ticket, uint64_t deadline) {
  Lock lock(mutex_);
  ++waiting_;
  while (is_open(ticket) && monotonic_ns() < deadline) done_.wait_until(lock, deadline);
  --waiting_;
  return !is_open(ticket);
}

bool ClosingQueue::wait_begun(uint64_t ticket, uint64_t deadline) {
  Lock lock(mutex_);
  ++waiting_;
  while (is_queued(ticket) && monotonic_ns() < deadline) done_.wait_until(lock, deadline);
  --waiting_;
  return !is_queued(ticket);
}

size_t ClosingQueue::count(uint64_t* oldest) {
  Lock lock(mutex_);
  size_t count = entries_.size();
  if (!entries_.empty()) *oldest = std::min(*oldest, entries_.front().since);
  for (const Worker& worker : workers_) {
    if (!worker.closing) continue;
    ++count;
    *oldest = std::min(*oldest, worker.since);
  }
  return count;
}

bool ClosingQueue::active_since(uint64_t moment) {
  Lock lock(mutex_);
  return oldest_ticket(true) < next_ticket_ || last_active_ >= moment;
}

QueueLook ClosingQueue::look(uint64_t now) {
  QueueLook result;
  Lock lock(mutex_);
  for (Worker& worker : workers_) {
    if (worker.closing) judge(&worker, now, &result);
  }
  if (workers_.size() - idle_ - hanging_ + woken_ == 0 && (!entries_.empty() || idle_ == 0)) grow(now);
  if (idle_ > 1) shrink(now);
  // A thread that is not hanging need not be idle yet, and is a surplus one then.
  bool surplus = workers_.size() - hanging_ > 1;
  result.busy = result.busy || !entries_.empty() || surplus || (cannot_grow_ && hanging_ == workers_.size());
  return result;
}

void ClosingQueue::judge(Worker* worker, uint64_t now, QueueLook* result) {
  if (worker->told) return;
  result->busy = true;
  if (worker->seen != worker->ticket) {
    worker->seen = worker->ticket;
    worker->seen_at = now;
    return;
  }
  uint64_t lasted = now - worker->seen_at;
  if (!worker->hanging && lasted >= kHangingNs) {
    worker->hanging = true;
    ++hanging_;
    if (waiting_ > 0) done_.broadcast();
  }
  if (!worker->told && lasted >= kToldNs) {
    worker->told = true;
    result->hangs_ms.push_back(lasted / kMillisecond);
  }
}

// Every close under way hangs. The more of them hang, the more of the waiting ones are expected to: with one further
// thread for each look the last of 256 would begin after more than a second. Without anything waiting one thread is
// kept ready.
void ClosingQueue::grow(uint64_t now) {
  needed_at_ = now;
  surplus_ = 0;
  size_t wanted = std::max(size_t{1}, std::min(entries_.size(), 1 + hanging_ / 4));
  for (; wanted > 0 && woken_ < idle_; --wanted) {
    ++woken_;
    work_.signal();
  }
  if (wanted == 0 || (cannot_grow_ && now < next_attempt_)) return;
  cannot_grow_ = false;
  for (; wanted > 0 && workers_.size() < kMaxThreads; --wanted) {
    if (add_worker() == 0) continue;
    cannot_grow_ = true;
    next_attempt_ = now + kRetryNs;
    return;
  }
}

void ClosingQueue::shrink(uint64_t now) {
  if (now - needed_at_ < kSurplusNs) return;
  surplus_ = idle_ - 1;
  work_.broadcast();
}

bool ClosingQueue::full() {
  Lock lock(mutex_);
  if (hanging_ < workers_.size()) return false;
  return workers_.size() >= kMaxThreads || cannot_grow_;
}

}  // namespace addon
