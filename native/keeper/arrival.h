// The console's arrival: the socket that the runtime connects to, and the connections that have not sent a console yet.
//
// The program may ask for its window size as soon as it runs, so each step between its message and the ioctl counts:
// until the console has come the process runs under SCHED_FIFO where that is allowed, and a new connection is polled
// before the loop goes on.
#pragma once

#include <stdint.h>
#include <sys/socket.h>

#include "clock.h"
#include "events.h"
#include "pages.h"
#include "protocol.h"
#include "receive_console.h"
#include "unique_fd.h"

namespace keeper {

enum class Receipt : uint8_t { kNothing, kConsole, kRefused };

class Arrival {
 public:
  static constexpr size_t kMaxPath = 256;
  static constexpr int kConnections = 8;
  // Each may cost descriptors, which stay open.
  static constexpr uint32_t kMaxRefusals = 64;

  // A listening socket, or the path at which to make one; with both, the path is only removed when the console has
  // come. Returns 0 or an errno.
  int open(common::UniqueFd listener, const char* path, bool remove_directory, const common::ConsoleSettings& settings);

  // Registers with numbers from `first` on.
  bool watch(Events& events, uint32_t first);
  // How many numbers it has.
  static constexpr uint32_t kNumbers = kConnections + 1;

  // An event of number `first` + `index`. kConsole at most once.
  Receipt handle(Events& events, uint32_t index);
  // Everything that waits now, also connections that were not accepted yet.
  Receipt handle_all(Events& events);

  // The size and ONLCR changed before the console has come.
  void want(const common::ConsoleSettings& settings) { settings_ = settings; }

  bool waits() const { return listener_.valid(); }
  common::UniqueFd take_master() { return static_cast<common::UniqueFd&&>(master_); }
  // kArrived, which stays the same.
  const unsigned char* record() const { return record_; }
  size_t record_length() const { return record_length_; }
  // Of the last message.
  const common::ConsoleVerdict& verdict() const { return verdict_; }
  // As kRefused tells it.
  uint32_t refusal() const { return refusal_; }
  uint32_t refusals() const { return refusals_; }
  // Connections are waited for again at this time: there was no descriptor, or no memory, for one.
  uint64_t retry_at() const { return retry_at_; }
  void retry(Events& events, uint64_t now);

  // So many refusals that no further connection is to be accepted: call `end`.
  bool gave_up() const { return refusals_ >= kMaxRefusals; }

  // Removes the path, and accepts nothing more. The listener and its connections stay open: what still waits in them
  // could make a close wait.
  void end(Events& events);

 private:
  Receipt accept_one(Events& events);
  Receipt receive(Events& events, int slot);
  Receipt refuse(uint32_t reason);
  void make_record(const common::ReceivedConsole& received);
  void drop(Events& events, int slot);

  common::UniqueFd listener_;
  common::UniqueFd kept_listener_;
  int connections_[kConnections];
  uint32_t first_ = 0;
  common::ConsoleSettings settings_;
  common::ConsoleVerdict verdict_;
  common::UniqueFd master_;
  size_t record_length_ = 0;
  unsigned char record_[sizeof(Header) + sizeof(Arrived) + kMaxName];
  ucred peer_{};
  uint32_t refusal_ = 0;
  uint32_t refusals_ = 0;
  uint64_t retry_at_ = kNever;
  bool remove_directory_ = false;
  char path_[kMaxPath];
  // A common::ReceivedConsole, made before the command starts: nothing is waited for when the message comes.
  Pages received_;
};

}  // namespace keeper
