// The sockets of clients: what is the same for the reader's and the reaper's.
#pragma once

#include <stdint.h>

#include "events.h"
#include "unique_fd.h"

namespace keeper {

// The listening socket for clients, whose event is `number`. Where it is not valid there are no further clients.
class ClientListener {
 public:
  // Takes the socket. False with errno set.
  bool open(Events& events, common::UniqueFd socket, uint32_t number);
  int fd() const { return socket_.get(); }

  // The next connection, non-blocking, of root or of this process's user. Not valid when there is none: a connection of
  // anybody else is closed. Where there is no descriptor left, connections wait until `resume`, because their event
  // would come again and again.
  common::UniqueFd accept(Events& events);
  // A client has gone, and its descriptor with it.
  void resume(Events& events);

 private:
  common::UniqueFd socket_;
  uint32_t number_ = 0;
  bool paused_ = false;
};

// A send buffer of 64 KiB, so that a key is followed by little old output, and no descriptors from the client, whose
// close could wait (Linux 6.16; before it they are received by nobody, and closed here).
void prepare_client(int socket);

// Closes a client's socket. Its peer sees the end also where another process has a copy of this end, such as a tracer.
void end_connection(common::UniqueFd* socket);

}  // namespace keeper
