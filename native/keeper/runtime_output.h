// What the runtime's command prints: two pipes, which are read as fast as the creator takes it. How much of it is kept
// is the creator's to say.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "events.h"
#include "unique_fd.h"

namespace keeper {

class RuntimeOutput {
 public:
  // Takes the pipes. Registers with `number` and `number` + 1. False with errno set.
  bool open(Events& events, common::UniqueFd (&streams)[2], uint32_t number);

  // The next bytes for the creator, of stream 1 or 2, or 0 when there are none now.
  int read(Events& events, unsigned char* bytes, size_t size, size_t* count);

  // No event comes until `resume`: the creator has no room.
  void pause(Events& events);
  void resume(Events& events);

  // The command has ended: what it had printed until now is the creator's. What other processes print later is read and
  // thrown away, because they would block or die without a reader: gVisor's sandbox prints.
  void runtime_ended();
  // Nothing is for the creator any more: it has gone.
  void abandon(Events& events);
  // Whether everything that the command printed has been read.
  bool complete() const;

  int fd(int index) const { return streams_[index].pipe.get(); }

  // Throws away what waits in a stream.
  void discard(Events& events, uint32_t index);

 private:
  static constexpr int64_t kUnlimited = INT64_MAX;

  struct Stream {
    common::UniqueFd pipe;
    int64_t left = kUnlimited;  // bytes that are for the creator
  };

  void close(Events& events, Stream& stream);

  Stream streams_[2];
  uint32_t number_ = 0;
  bool paused_ = false;
};

}  // namespace keeper
