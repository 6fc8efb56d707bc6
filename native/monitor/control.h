// The library's end of the conversation (protocol.h), as long as it is there.
#pragma once

#include <stddef.h>

#include "protocol.h"
#include "unique_fd.h"

namespace monitor {

class Control {
 public:
  // Takes the descriptor and makes it close-on-exec. False with errno set when it is no socket.
  bool adopt(int fd);

  int fd() const { return socket_.get(); }

  // Waits for room. Does nothing once nobody listens.
  void tell(ToLibrary kind, int32_t subject, int32_t status = 0);
  void tell_output(const char* bytes, size_t length);

  enum class Heard { kNothing, kRecord, kEnd };

  // The next record, with the descriptor that came beside it. At the end the socket is closed.
  Heard hear(Record* record, common::UniqueFd* passed);

 private:
  void send(const void* bytes, size_t length);

  common::UniqueFd socket_;
};

}  // namespace monitor
