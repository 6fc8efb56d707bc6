// The console's arrival: the socket that the runtime connects to, and the connections that have not sent a console yet.
//
// The program may ask for its window size as soon as it runs, so each step between its message and the ioctl counts:
// until the console has come the process runs under SCHED_FIFO where that is allowed, and a new connection is polled
// before the loop goes on.
#pragma once

#include <limits.h>
#include <stdint.h>
#include <sys/socket.h>

#include "events.h"
#include "judge.h"
#include "unique_fd.h"

namespace keeper {

class Arrival {
 public:
  static constexpr int kConnections = 8;
  // Each may cost descriptors, which stay open.
  static constexpr uint32_t kMaxRefusals = 64;

  // A listening socket, or the path at which to make one; with both, the path is only removed when the console has
  // come. Returns 0 or an errno.
  int open(common::UniqueFd listener, const char* path, bool remove_directory, const Wanted& wanted);

  // Registers with numbers from `first` on.
  bool watch(Events& events, uint32_t first);
  // How many numbers it has.
  static constexpr uint32_t kNumbers = kConnections + 1;

  // An event of number `first` + `index`. kConsole at most once.
  Receipt handle(Events& events, uint32_t index);
  // Everything that waits now, also connections that were not accepted yet.
  Receipt handle_all(Events& events);

  // The size and ONLCR changed before the console has come.
  void want(const Wanted& wanted) { wanted_ = wanted; }

  bool waits() const { return listener_.valid(); }
  Console& console() { return console_; }
  const ucred& peer() const { return peer_; }
  Refusal refusal() const { return refusal_; }
  uint32_t refusals() const { return refusals_; }
  // So many refusals that no further connection is to be accepted: call `end`.
  bool gave_up() const { return refusals_ >= kMaxRefusals; }

  // Removes the path, and accepts nothing more. The listener and its connections stay open: what still waits in them
  // could make a close wait.
  void end(Events& events);

 private:
  Receipt accept_one(Events& events);
  Receipt receive(Events& events, int slot);
  Receipt refuse(Refusal reason);
  void drop(Events& events, int slot);

  common::UniqueFd listener_;
  common::UniqueFd kept_listener_;
  int connections_[kConnections];
  uint32_t first_ = 0;
  Wanted wanted_;
  Console console_;
  ucred peer_{};
  Refusal refusal_ = Refusal::kNone;
  uint32_t refusals_ = 0;
  bool remove_directory_ = false;
  char path_[PATH_MAX];
};

}  // namespace keeper
