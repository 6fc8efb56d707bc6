#include "link.h"

#include <errno.h>
#include <sys/socket.h>

#include "control_message.h"

namespace keeper {

bool Link::open(Link* reader, Link* reaper) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1) return false;
  reader->socket_.reset(ends[0]);
  reaper->socket_.reset(ends[1]);
  return true;
}

bool Link::send(const LinkRecord& record, int passed) const {
  if (!socket_.valid()) return false;
  return common::send_message(socket_.get(), &record, sizeof(record), &passed, passed == -1 ? 0 : 1, MSG_DONTWAIT) !=
         -1;
}

Link::Received Link::receive(LinkRecord* record, common::UniqueFd* passed, bool wait) const {
  if (!socket_.valid()) return Received::kEnd;
  common::ControlData control;
  int flags = wait ? 0 : MSG_DONTWAIT;
  ssize_t count = common::receive_message(socket_.get(), record, sizeof(*record), &control, flags);
  // ENOMEM: the record is still there. The other process's end is 0, or ECONNRESET.
  if (count == -1 && errno != ECONNRESET) return Received::kNothing;
  for (size_t i = 0; i < control.fd_count; i++) passed->reset(control.fds[i]);
  return count == static_cast<ssize_t>(sizeof(*record)) ? Received::kRecord : Received::kEnd;
}

}  // namespace keeper
