// Messages with descriptors: unix(7), cmsg(3). One system call each. The caller owns every received descriptor.
//
// A receive always has room for everything that the kernel can deliver (credentials, SCM_MAX_FD rights, a pidfd). A
// smaller buffer would not refuse a second descriptor: the padding of CMSG_SPACE(sizeof(int)) admits one without
// MSG_CTRUNC. So the receiver owns all descriptors first, and judges the message afterwards.
#pragma once

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

// Newer than the headers of the oldest supported C library.
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

namespace common {

// SCM_MAX_FD of the kernel's include/net/scm.h: the maximum of one message, over all its SCM_RIGHTS together.
inline constexpr size_t kMaxRights = 253;

// A message to send. Borrows everything.
struct Outgoing {
  const void* data = nullptr;
  size_t length = 0;
  const int* fds = nullptr;
  size_t fd_count = 0;
  const ucred* credentials = nullptr;
  const sockaddr_un* name = nullptr;  // the receiver, on a socket that is not connected
  socklen_t name_length = 0;
};

// Everything of a received message but its data.
struct ControlData {
  int flags = 0;  // msg_flags: MSG_TRUNC, MSG_CTRUNC, MSG_EOR
  size_t fd_count = 0;
  int fds[kMaxRights];
  int pidfd = -1;
  bool has_credentials = false;
  ucred credentials{};
  bool wants_name = false;  // set by the caller to get the sender's name
  socklen_t name_length = 0;
  sockaddr_un name;
};

// sendmsg(2). Always with MSG_NOSIGNAL.
ssize_t send_message(int socket, const Outgoing& outgoing, int flags);

inline ssize_t send_message(int socket, const void* data, size_t length, const int* fds, size_t fd_count, int flags) {
  Outgoing message;
  message.data = data;
  message.length = length;
  message.fds = fds;
  message.fd_count = fd_count;
  return send_message(socket, message, flags);
}

// recvmsg(2) of at most `length` bytes. Everything in `control` is the caller's to close. Always with MSG_CMSG_CLOEXEC.
ssize_t receive_message(int socket, void* data, size_t length, ControlData* control, int flags);

// The same with MSG_DONTWAIT, for a process near its limit of open files, where recvmsg(2) would consume the message
// and drop its descriptors. Fails with EMFILE instead, and the message stays until the process has closed files.
// Everything in `control` is the caller's to close, after a failure too. Costs a second call.
// `closing`: other threads are closing descriptors, so a set that is not complete leaves the message in any case.
ssize_t receive_message_keeping(int socket, void* data, size_t length, ControlData* control, bool closing = false);

// Reads the control data of a received message, as receive_message does.
void read_control_data(msghdr* message, ControlData* control);

}  // namespace common
