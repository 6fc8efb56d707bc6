// One queue of descriptors to close, and its threads. close(2) can wait for as long as another process likes, so a
// close that hangs keeps its thread, and the descriptors after it are closed by others. closer.h says which queue is
// for what.
//
// A queue lives as long as the process, and its threads are never joined: one may be inside close(2) while the process
// exits. fork(2) copies the queued descriptors and no thread, so a child that does not exec must not use a queue.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <deque>
#include <list>
#include <span>
#include <vector>

#include "threads.h"

namespace addon {

// What a look of the supervisor found.
struct QueueLook {
  // Another look is needed: descriptors wait, a close is under way that was not told of as hanging yet, there are
  // surplus threads, or a thread could not be started.
  bool busy = false;
  // Closes that began to be told of as hanging by this look: how long each has lasted.
  std::vector<uint64_t> hangs_ms;
};

class ClosingQueue {
 public:
  // Every close that hangs has a thread.
  static constexpr size_t kMaxThreads = 256;

  // `gathers`: descriptors come in great numbers, and nothing waits for the close of one.
  explicit ClosingQueue(bool gathers = false) : gathers_(gathers) {}
  ClosingQueue(const ClosingQueue&) = delete;
  ClosingQueue& operator=(const ClosingQueue&) = delete;

  // Starts the first thread. 0, or the error's number.
  int start();

  // Takes the descriptors; `ticket` is the last one's. False when no thread will begin at once: the supervisor must
  // start one.
  bool hand_over(std::span<const int> fds, uint64_t* ticket);
  // Takes `replacement`, and closes `fd` by putting it there with dup2(2).
  bool hand_over_replaced(int fd, int replacement, uint64_t* ticket);

  // Gives what waits a thread although closes are under way that do not hang yet. False when there is none.
  bool insist();

  // The ticket that the next descriptor gets.
  uint64_t next_ticket();
  bool is_closed_before(uint64_t ticket);
  // All three wait until that is so, or monotonic_ns() is `deadline`, and tell whether it is so. Settled: closed, or
  // being closed by a close that hangs.
  bool wait_settled_before(uint64_t ticket, uint64_t deadline);
  bool wait_closed(uint64_t ticket, uint64_t deadline);
  // Until a thread has taken the descriptor.
  bool wait_begun(uint64_t ticket, uint64_t deadline);
  // What was handed over and is not closed yet. Lowers `oldest` to when the first of it was handed over.
  size_t count(uint64_t* oldest);

  // A descriptor waits or is being closed by a close that does not hang, or was handed over or closed since then.
  bool active_since(uint64_t moment);

  // The supervisor's: starts threads while no close is under way that is not hanging, and ends surplus ones.
  QueueLook look(uint64_t now);
  // Every thread is held by a close that hangs, and no other can be started.
  bool full();

 private:
  struct Entry {
    int fd;
    // -1 without one.
    int replacement;
    uint64_t since;
  };

  struct Worker {
    ClosingQueue* queue;
    bool closing = false;
    bool hanging = false;
    bool told = false;
    // Changes with every close, so that two looks can tell whether they met the same one.
    uint64_t ticket = 0;
    uint64_t seen = UINT64_MAX;
    // When the supervisor saw this close first, and when the descriptor was handed over.
    uint64_t seen_at = 0;
    uint64_t since = 0;
  };

  static void* run_worker(void* worker);
  void run(Worker* self);
  int add_worker();
  void push(int fd, int replacement, uint64_t since);
  bool wake();
  void finished(Worker* worker);
  uint64_t oldest_ticket(bool unless_hanging) const;
  bool is_open(uint64_t ticket) const;
  bool is_queued(uint64_t ticket) const { return ticket >= next_ticket_ - entries_.size(); }
  void judge(Worker* worker, uint64_t now, QueueLook* result);
  void grow(uint64_t now);
  void shrink(uint64_t now);

  const bool gathers_;
  Mutex mutex_;
  Condition work_;
  Condition done_;
  Condition gather_;
  std::deque<Entry> entries_;
  // A list, since each thread has the address of its own.
  std::list<Worker> workers_;
  uint64_t next_ticket_ = 0;
  // When a descriptor was handed over, or one was closed after which none waited: the last time.
  uint64_t last_active_ = 0;
  size_t idle_ = 0;
  // Signalled and not running yet.
  size_t woken_ = 0;
  size_t hanging_ = 0;
  size_t waiting_ = 0;
  size_t gathering_ = 0;
  size_t surplus_ = 0;
  bool cannot_grow_ = false;
  uint64_t next_attempt_ = 0;
  uint64_t needed_at_ = 0;
};

}  // namespace addon
