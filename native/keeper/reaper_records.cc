// What each record of a client does.
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "children.h"
#include "reaper.h"

// Newer than the headers of the oldest supported C libraries.
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

namespace keeper {

int Reaper::accept_record(ReaperClient& client, const Header& header) {
  if (header.kind == kHello) return 0;
  if (client.version == 0) return EPROTO;
  return client.version == kVersion ? 0 : EPROTONOSUPPORT;
}

int Reaper::handle_record(ReaperClient& client, const Header& header) {
  switch (header.kind) {
    case kHello:
      if (client.version == 0) client.due |= happened_;
      client.version = header.value;
      client.due |= kTellHello;
      return 0;
    case kSignal: {
      constexpr uint64_t kMaxSignal = 64;
      int error = signal_target(header.value <= kMaxSignal ? static_cast<int>(header.value) : -1);
      if (error != 0) client.fail(error, "the signal was not sent", false);
      return 0;
    }
    case kStop:
      stop(header.value);
      return 0;
    case kLeave:
      return 0;
    case kStart:
      client.fail(EALREADY, "start came twice", false);
      return 0;
    default:
      client.fail(EOPNOTSUPP, "a record that this keeper, or its reaper, does not serve", false);
      return 0;
  }
}

// The container where it is known, else the command while it runs. Returns 0 or an errno.
int Reaper::signal_target(int number) {
  if (container_ > 0 && !ended_) {
    return syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) == -1 ? errno : 0;
  }
  // Its number is its own until it is reaped.
  if (family_.runtime() > 0 && !over_) return kill(family_.runtime(), number) == -1 ? errno : 0;
  return ESRCH;
}

void Reaper::stop(uint64_t grace_ms) {
  signal_target(SIGTERM);
  constexpr uint64_t kLongest = INT32_MAX;
  uint64_t due = now_ms() + (grace_ms < kLongest ? grace_ms : kLongest);
  if (due < kill_at_) kill_at_ = due;
}

// While the command runs, or has left no container that is known, everything that it left is ended: nothing of an
// interrupted launch stays. Else it is the container that is to be stopped, and not what it left in peace.
void Reaper::kill_all() {
  if (container_ > 0 && family_.runtime() == 0) {
    if (!ended_) signal_target(SIGKILL);
    return;
  }
  common::for_each_child([](pid_t child, void*) { kill(child, SIGKILL); }, nullptr);
  if (family_.runtime() > 0) kill(family_.runtime(), SIGKILL);
}

}  // namespace keeper
