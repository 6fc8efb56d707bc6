// The socketpair between reader and reaper. Each of them learns from its end of file that the other has ended.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "unique_fd.h"

namespace keeper {

enum class LinkKind : uint32_t {
  // From the reader.
  kReady = 1,  // subject: 0, or the errno for which the command must not be started
  kLeader,     // subject: the session leader of the terminal, or 0; value: whether a console came. Also unasked
  kSignal,     // subject: a number, for what the reaper signals while no container is known
  // From the reaper.
  kAskLeader,
  kRuntime,         // subject: the command's pid
  kContainer,       // subject: the container's pid; with a pidfd
  kContainerEnded,  // value: the wait(2) status, or kStatusUnknown
  kOver,            // the reaper has no children any more, and leaves
};

struct LinkRecord {
  LinkKind kind;
  int32_t subject = 0;
  uint64_t value = 0;
};

class Link {
 public:
  // Two ends of a SEQPACKET pair. False with errno set.
  static bool open(Link* reader, Link* reaper);

  int fd() const { return socket_.get(); }
  bool valid() const { return socket_.valid(); }
  void close() { socket_.reset(); }

  // Never waits: the other process may be stuck. Few records are on their way at a time, so they have room. False when
  // it was not sent.
  bool send(const LinkRecord& record, int passed = -1) const;

  enum class Received : uint8_t { kNothing, kRecord, kEnd };
  Received receive(LinkRecord* record, common::UniqueFd* passed, bool wait = false) const;

 private:
  common::UniqueFd socket_;
};

}  // namespace keeper
