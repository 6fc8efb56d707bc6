#include "client_socket.h"

#include <sys/socket.h>
#include <unistd.h>

// Newer than the headers of the supported C libraries.
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

namespace keeper {

common::UniqueFd accept_client(int listener) {
  common::UniqueFd client(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client.valid()) return client;
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

}  // namespace keeper
