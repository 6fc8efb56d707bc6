#include "control_message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "retry.h"

namespace common {

namespace {

constexpr size_t kRightsSpace = CMSG_SPACE(sizeof(int) * kMaxRights);
constexpr size_t kSendSpace = kRightsSpace + CMSG_SPACE(sizeof(ucred));
// Whoever made a socket can have turned on what is not asked for here, and what does not fit cuts the rest. SO_PASSSEC:
// the label of a security module, in practice no longer than a page. SO_TIMESTAMP and SO_TIMESTAMPING, of datagrams:
// one time and three. SO_INQ: an int.
constexpr size_t kLabelSpace = CMSG_SPACE(4096);
constexpr size_t kTimesSpace = CMSG_SPACE(2 * sizeof(int64_t)) + CMSG_SPACE(6 * sizeof(int64_t));
constexpr size_t kUnaskedSpace = kLabelSpace + kTimesSpace + CMSG_SPACE(sizeof(int));
constexpr size_t kReceiveSpace = CMSG_SPACE(sizeof(ucred)) + kRightsSpace + CMSG_SPACE(sizeof(int)) + kUnaskedSpace;

msghdr message_over(iovec* vector, void* control, size_t control_length) {
  msghdr message{};
  message.msg_iov = vector;
  message.msg_iovlen = 1;
  message.msg_control = control_length > 0 ? control : nullptr;
  message.msg_controllen = control_length;
  return message;
}

void put(cmsghdr* header, int type, const void* payload, size_t length) {
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(length);
  memcpy(CMSG_DATA(header), payload, length);
}

// Never beyond the end of the buffer. The kernel's headers are right; those of a fuzzer need not be.
size_t payload_length(const msghdr& message, const cmsghdr* header) {
  const char* end = static_cast<const char*>(message.msg_control) + message.msg_controllen;
  size_t room = static_cast<size_t>(end - reinterpret_cast<const char*>(header));
  size_t length = header->cmsg_len < room ? header->cmsg_len : room;
  return length > CMSG_LEN(0) ? length - CMSG_LEN(0) : 0;
}

void read_rights(const cmsghdr* header, size_t length, ControlData* control) {
  size_t count = length / sizeof(int);
  // The kernel sends at most kMaxRights. If that ever changes, this check keeps the array intact.
  if (count > kMaxRights - control->fd_count) count = kMaxRights - control->fd_count;
  memcpy(control->fds + control->fd_count, CMSG_DATA(header), count * sizeof(int));
  control->fd_count += count;
}

// Checks the length of each kind first: a control buffer that was too short ends in a cut payload.
void read_header(const cmsghdr* header, size_t length, ControlData* control) {
  if (header->cmsg_level != SOL_SOCKET) return;
  if (header->cmsg_type == SCM_RIGHTS) {
    read_rights(header, length, control);
  } else if (header->cmsg_type == SCM_PIDFD && length >= sizeof(int)) {
    memcpy(&control->pidfd, CMSG_DATA(header), sizeof(int));
  } else if (header->cmsg_type == SCM_CREDENTIALS && length >= sizeof(ucred)) {
    memcpy(&control->credentials, CMSG_DATA(header), sizeof(ucred));
    control->has_credentials = true;
  }
}

// By number: the C library's functions make each call a cancellation point of the thread, which costs every message and
// has no use here.
ssize_t system_call(long number, int socket, msghdr* message, int flags) {
  return syscall(number, socket, message, flags);
}

}  // namespace

ssize_t send_message(int socket, const Outgoing& outgoing, int flags) {
  if (outgoing.fd_count > kMaxRights) {
    errno = EINVAL;
    return -1;
  }
  alignas(cmsghdr) char space[kSendSpace];
  size_t rights_length = sizeof(int) * outgoing.fd_count;
  size_t rights_space = outgoing.fd_count > 0 ? CMSG_SPACE(rights_length) : 0;
  size_t space_used = rights_space + (outgoing.credentials != nullptr ? CMSG_SPACE(sizeof(ucred)) : 0);
  // Zeroed for its padding, which is not sent but which memory checkers would report as uninitialized.
  memset(space, 0, space_used);
  iovec vector{const_cast<void*>(outgoing.data), outgoing.length};
  msghdr message = message_over(&vector, space, space_used);
  message.msg_name = const_cast<sockaddr_un*>(outgoing.name);
  message.msg_namelen = outgoing.name_length;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (outgoing.fd_count > 0) {
    put(header, SCM_RIGHTS, outgoing.fds, rights_length);
    header = CMSG_NXTHDR(&message, header);
  }
  if (outgoing.credentials != nullptr) put(header, SCM_CREDENTIALS, outgoing.credentials, sizeof(ucred));
  return retry_on_eintr([&] { return system_call(SYS_sendmsg, socket, &message, flags | MSG_NOSIGNAL); });
}

ssize_t receive_message(int socket, void* data, size_t length, ControlData* control, int flags) {
  alignas(cmsghdr) char space[kReceiveSpace];
  iovec vector{data, length};
  msghdr message = message_over(&vector, space, sizeof(space));
  ssize_t received = retry_on_eintr([&] {
    message.msg_controllen = sizeof(space);
    message.msg_name = control->wants_name ? &control->name : nullptr;
    message.msg_namelen = control->wants_name ? sizeof(control->name) : 0;
    return system_call(SYS_recvmsg, socket, &message, flags | MSG_CMSG_CLOEXEC);
  });
  if (received == -1) return -1;
  control->flags = message.msg_flags;
  control->name_length = message.msg_namelen;
  read_control_data(&message, control);
  return received;
}

// MSG_PEEK installs the descriptors and leaves the message, which is consumed only when the set is complete. Each peek
// installs another set.
ssize_t receive_message_keeping(int socket, void* data, size_t length, ControlData* control, bool closing) {
  ssize_t peeked = receive_message(socket, data, length, control, MSG_DONTWAIT | MSG_PEEK);
  if (peeked == -1) return -1;
  // Without a free number a pidfd arrives as -EMFILE, without MSG_CTRUNC.
  if ((control->flags & MSG_CTRUNC) != 0 || control->pidfd == -EMFILE) {
    // The number that was missing may be free by now, so the probe would tell nothing.
    if (closing) {
      errno = EMFILE;
      return -1;
    }
    int probe = fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (probe == -1 && errno == EMFILE) return -1;
    if (probe != -1) close(probe);
    // A security module refused the descriptors, and would again: consume the message.
  }
  iovec vector{data, static_cast<size_t>(peeked)};
  msghdr message = message_over(&vector, nullptr, 0);
  return system_call(SYS_recvmsg, socket, &message, MSG_DONTWAIT) == -1 ? -1 : peeked;
}

void read_control_data(msghdr* message, ControlData* control) {
  for (cmsghdr* header = CMSG_FIRSTHDR(message); header != nullptr; header = CMSG_NXTHDR(message, header)) {
    read_header(header, payload_length(*message, header), control);
  }
}

}  // namespace common
