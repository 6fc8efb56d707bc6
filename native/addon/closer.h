// Closes descriptors that another process had a hand in, on threads of this library.
//
// close(2) can wait for as long as another process likes, and no signal ends the wait. Closing the last descriptor of a
// Unix socket throws its receive queue away and closes what is on its way in it: a TCP socket with SO_LINGER, say.
// Every close of a file on a FUSE mount asks the mount's daemon. Closing a PTY master waits for programs that use the
// terminal. Which of these waits cannot be known from a descriptor alone, and asking costs more than handing over.
//
// There are three queues, so that hanging closes of one kind do not hold up those of another. Each has a thread from
// the load of the addon, and more while closes hang. A supervisor's thread looks at them every few milliseconds while
// anything is being closed, and sleeps when what is left hangs. One closer serves all environments of the process.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <array>
#include <span>

namespace addon {

// What it is for decides which queue a descriptor waits in. ClosingKind of binding/closing.ts mirrors this enum.
enum class ClosingKind : uint8_t {
  // Received descriptors and their copies, connected sockets, and what else is no listener and no master.
  kOthers,
  // PTY masters in use. Their close hangs the terminal up.
  kMasters,
  // Sockets that listen or are bound. Their close makes a name free.
  kListeners,
};
constexpr size_t kClosingKinds = 3;

// Starts the first thread of each queue and the supervisor. 0, or the error's number; a later call tries the rest.
int start_closer();

// Takes the descriptors and returns at once. They are closed soon; until then their numbers are not reused.
void hand_over(std::span<const int> fds, ClosingKind kind);
// Takes one descriptor, and waits until it is closed, 5 ms at most. On a busy machine it waits longer for the thread to
// begin: what another process can make wait begins after that.
void hand_over_and_wait(int fd, ClosingKind kind);
// dup2(2) of `replacement`, which it takes, to `fd`: its hidden close of `fd` runs on a thread. False when that has not
// happened after a second.
bool hand_over_replaced(int fd, int replacement);

struct ClosingState {
  // Descriptors that were handed over and are still open.
  size_t count;
  // For how long the oldest of them has waited.
  uint64_t oldest_ms;
};
ClosingState closing();

// A moment: what was handed over before it.
using ClosingMark = std::array<uint64_t, kClosingKinds>;
ClosingMark closing_mark();
bool is_closed(const ClosingMark& mark);
// Anything is being closed by a close that does not hang, or was handed over or closed in the last 20 ms: a call that
// failed at the limit of open files may succeed now.
bool closed_lately();
// Waits until what was handed over is closed, but for closes that hang. True when anything was waited for.
bool wait_for_closing(uint64_t limit_ms);

// In some queue every thread is held by a hanging close, and no more can be started. No connection should be accepted.
bool closer_is_full();

enum class ClosingEvent : uint8_t { kClosed, kHangs, kFull, kFree };
// Called on a thread of the closer. `ms` is how long a hanging close has lasted.
using ClosingObserver = void (*)(void* who, ClosingEvent event, ClosingKind kind, uint64_t ms);
void observe_closing(void* who, ClosingObserver observer);
// No call is under way when it returns.
void unobserve_closing(void* who);
// kClosed is told while there is a watch.
void watch_closing(int change);

// For closing_queue.cc.
void wake_supervisor();
bool closing_is_watched();
void tell_closed();

}  // namespace addon
