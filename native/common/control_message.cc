#include "control_message.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "retry.h"

namespace core {

namespace {

constexpr size_t kRightsSpace = CMSG_SPACE(sizeof(int) * kMaxRights);
constexpr size_t kReceiveSpace = CMSG_SPACE(sizeof(ucred)) + kRightsSpace + CMSG_SPACE(sizeof(int));

msghdr message_over(iovec* vector, void* control, size_t control_length) {
  msghdr message{};
  message.msg_iov = vector;
  message.msg_iovlen = 1;
  message.msg_control = control_length > 0 ? control : nullptr;
  message.msg_controllen = control_length;
  return message;
}

size_t payload_length(const cmsghdr* header) {
  return header->cmsg_len > CMSG_LEN(0) ? header->cmsg_len - CMSG_LEN(0) : 0;
}

void take_rights(const cmsghdr* header, ControlData* control) {
  size_t count = payload_length(header) / sizeof(int);
  // The kernel sends at most kMaxRights; should that ever change, this bound keeps the array whole.
  if (count > kMaxRights - control->fd_count) count = kMaxRights - control->fd_count;
  memcpy(control->fds + control->fd_count, CMSG_DATA(header), count * sizeof(int));
  control->fd_count += count;
}

// Every kind is measured before it is read: a control buffer that was too short yields a cut one, 8 bytes of ucred say.
void take(const cmsghdr* header, ControlData* control) {
  if (header->cmsg_level != SOL_SOCKET) return;
  if (header->cmsg_type == SCM_RIGHTS) {
    take_rights(header, control);
  } else if (header->cmsg_type == SCM_PIDFD && payload_length(header) >= sizeof(int)) {
    memcpy(&control->pidfd, CMSG_DATA(header), sizeof(int));
  } else if (header->cmsg_type == SCM_CREDENTIALS && payload_length(header) >= sizeof(ucred)) {
    memcpy(&control->credentials, CMSG_DATA(header), sizeof(ucred));
    control->has_credentials = true;
  }
}

}  // namespace

ssize_t send_message(int socket, const void* data, size_t length, const int* fds, size_t fd_count, int flags) {
  if (fd_count > kMaxRights) {
    errno = EINVAL;
    return -1;
  }
  alignas(cmsghdr) char space[kRightsSpace];
  size_t space_used = fd_count > 0 ? CMSG_SPACE(sizeof(int) * fd_count) : 0;
  // Zeroed for its padding, which travels to no one but would show as uninitialised to the checkers.
  memset(space, 0, space_used);
  iovec vector{const_cast<void*>(data), length};
  msghdr message = message_over(&vector, space, space_used);
  if (fd_count > 0) {
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
    memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
  }
  return retry_on_eintr([&] { return sendmsg(socket, &message, flags | MSG_NOSIGNAL); });
}

ssize_t receive_message(int socket, void* data, size_t length, ControlData* control, int flags) {
  alignas(cmsghdr) char space[kReceiveSpace];
  iovec vector{data, length};
  msghdr message = message_over(&vector, space, sizeof(space));
  ssize_t received = retry_on_eintr([&] {
    message.msg_controllen = sizeof(space);
    return recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  });
  if (received == -1) return -1;
  control->flags = message.msg_flags;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    take(header, control);
  }
  return received;
}

}  // namespace core
