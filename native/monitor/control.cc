#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "control_message.h"
#include "retry.h"

namespace monitor {

bool Control::adopt(int fd) {
  int type = 0;
  socklen_t length = sizeof(type);
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == -1) return false;
  socket_.reset(fd);
  return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

void Control::send_record(ToLibrary kind, int32_t subject, int32_t status) {
  Record record{kind, subject, status};
  send_all(&record, sizeof(record));
}

void Control::send_output(const char* bytes, size_t length) {
  send_record(kOutput, static_cast<int32_t>(length));
  send_all(bytes, length);
}

// Waits for room, whether the socket blocks or another holder set O_NONBLOCK.
void Control::send_all(const void* bytes, size_t length) {
  const char* rest = static_cast<const char*>(bytes);
  while (socket_.valid() && length > 0) {
    ssize_t sent = common::retry_on_eintr([&] { return ::send(socket_.get(), rest, length, MSG_NOSIGNAL); });
    if (sent >= 0) {
      rest += sent;
      length -= static_cast<size_t>(sent);
    } else if (errno == EAGAIN) {
      pollfd room{socket_.get(), POLLOUT, 0};
      poll(&room, 1, -1);
    } else {
      // EPIPE, ECONNRESET: the library's process has ended.
      socket_.reset();
    }
  }
}

// The library sends each record in one piece, far smaller than the socket's buffer, so it arrives whole.
Control::Received Control::receive(Record* record, common::UniqueFd* passed) {
  common::ControlData control;
  ssize_t count = common::retry_on_eintr(
      [&] { return common::receive_message(socket_.get(), record, sizeof(*record), &control, MSG_DONTWAIT); });
  if (count == -1 && errno == EAGAIN) return Received::kNothing;
  for (size_t i = 0; i < control.fd_count; i++) passed->reset(control.fds[i]);
  if (count == static_cast<ssize_t>(sizeof(*record))) return Received::kRecord;
  socket_.reset();
  return Received::kEnd;
}

}  // namespace monitor
