#include "client_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

// Newer than the headers of the supported C libraries.
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

namespace keeper {

bool ClientListener::open(Events& events, common::UniqueFd socket, uint32_t number) {
  socket_ = static_cast<common::UniqueFd&&>(socket);
  number_ = number;
  if (!socket_.valid()) return true;
  return fcntl(socket_.get(), F_SETFL, O_NONBLOCK) == 0 && events.add(socket_.get(), EPOLLIN, number);
}

void ClientListener::resume(Events& events) {
  if (!paused_) return;
  paused_ = false;
  events.change(socket_.get(), EPOLLIN, number_);
}

common::UniqueFd ClientListener::accept(Events& events) {
  common::UniqueFd client(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client.valid()) {
    paused_ = errno != EAGAIN && errno != ECONNABORTED && errno != EINTR;
    if (paused_) events.change(socket_.get(), 0, number_);
    return client;
  }
  ucred peer{};
  socklen_t length = sizeof(peer);
  if (getsockopt(client.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) == -1) client.reset();
  if (peer.uid != 0 && peer.uid != geteuid()) client.reset();
  return client;
}

void prepare_client(int socket) {
  constexpr int kSendBuffer = 65536;
  setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof(kSendBuffer));
  constexpr int kOff = 0;
  setsockopt(socket, SOL_SOCKET, SO_PASSRIGHTS, &kOff, sizeof(kOff));
}

void end_connection(common::UniqueFd* socket) {
  if (socket->valid()) shutdown(socket->get(), SHUT_RDWR);
  socket->reset();
}

}  // namespace keeper
