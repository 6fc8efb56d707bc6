// The socket to the library (protocol.h), open as long as the library runs.
#pragma once

#include <stddef.h>

#include "protocol.h"
#include "unique_fd.h"

namespace monitor {

class Control {
 public:
  // Takes the descriptor and makes it close-on-exec. False with errno set when it is not a socket.
  bool adopt(int fd);

  int fd() const { return socket_.get(); }

  // Both wait for room, and do nothing after the library is gone.
  void send_record(ToLibrary kind, int32_t subject, int32_t status = 0);
  void send_output(const char* bytes, size_t length);

  enum class Received { kNothing, kRecord, kEnd };

  // The next record, with the descriptor that it carries. Closes the socket at the end of file.
  Received receive(Record* record, common::UniqueFd* passed);

 private:
  void send_all(const void* bytes, size_t length);

  common::UniqueFd socket_;
};

}  // namespace monitor
