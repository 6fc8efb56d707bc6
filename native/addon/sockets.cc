// Unix sockets: socket, socketpair, bind, listen, accept4, connect, shutdown, and socket options.
#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

#include "../common/retry.h"
#include "arguments.h"
#include "environment.h"
#include "errors.h"
#include "families.h"

// Newer than the headers of the oldest supported C library.
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

namespace addon {

namespace {

// connect(2) and accept(2) have no flag for one call, so sockets for them are non-blocking. Everything else uses
// MSG_DONTWAIT: the flag belongs to all holders of a socket.
constexpr int kFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;

struct Address {
  sockaddr_un un{};
  socklen_t length;
};

// The bytes of sun_path. A pathname gets a NUL at its end where there is room (108 bytes without one are legal). An
// abstract name begins with NUL and gets none, because every byte is part of the name.
Address address_argument(const Napi::CallbackInfo& info, size_t index) {
  auto bytes = bytes_argument(info, index);
  Address address;
  if (bytes.size() > sizeof(address.un.sun_path)) throw_errno(info.Env(), ENAMETOOLONG, "sockaddr_un");
  address.un.sun_family = AF_UNIX;
  // Not memcpy: an empty name, for which the kernel chooses one, has no memory.
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<uint8_t*>(address.un.sun_path));
  bool terminated = !bytes.empty() && bytes[0] != 0 && bytes.size() < sizeof(address.un.sun_path);
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + bytes.size() + (terminated ? 1 : 0));
  return address;
}

// What waits in a socket's queue is a stranger's, and is closed with it.
Napi::Value own(Napi::Env env, int fd) {
  return Napi::Number::New(env, Environment::of(env).fds.own(fd, Owned::kOthers));
}

Napi::Value unix_socket(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return own(env, checked(env, socket(AF_UNIX, int_argument(info, 0) | kFlags, 0), "socket"));
}

// Blocking: an end is often inherited by another program, whose read(2) would fail with EAGAIN.
Napi::Value unix_socketpair(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fds[2];
  checked(env, socketpair(AF_UNIX, int_argument(info, 0) | SOCK_CLOEXEC, 0, fds), "socketpair");
  auto& owned = Environment::of(env).fds;
  owned.own(fds[0], Owned::kOthers);
  owned.own(fds[1], Owned::kOthers);
  auto pair = Napi::Array::New(env, 2);
  pair.Set(0u, Napi::Number::New(env, fds[0]));
  pair.Set(1u, Napi::Number::New(env, fds[1]));
  return pair;
}

void bind_to(const Napi::CallbackInfo& info) {
  Address address = address_argument(info, 1);
  int fd = int_argument(info, 0);
  checked(info.Env(), bind(fd, reinterpret_cast<sockaddr*>(&address.un), address.length), "bind");
  Environment::of(info.Env()).fds.change(fd, Owned::kListener);
  if (info[2].IsString()) Environment::of(info.Env()).files.own(info[2].As<Napi::String>().Utf8Value());
}

void listen_on(const Napi::CallbackInfo& info) {
  checked(info.Env(), listen(int_argument(info, 0), int_argument(info, 1)), "listen");
}

// False: the listener's backlog is full (EAGAIN). poll(2) does not report when it has room again.
Napi::Value connect_to(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Address address = address_argument(info, 1);
  int fd = int_argument(info, 0);
  int result =
      common::retry_on_eintr([&] { return connect(fd, reinterpret_cast<sockaddr*>(&address.un), address.length); });
  if (result == -1 && errno == EAGAIN) return Napi::Boolean::New(env, false);
  checked(env, result, "connect");
  return Napi::Boolean::New(env, true);
}

Napi::Value accept_one(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = int_argument(info, 0);
  int connection = common::retry_on_eintr([&] { return accept4(fd, nullptr, nullptr, kFlags); });
  // ECONNABORTED: the peer gave up while it queued. The listener has not failed; there is no connection to accept.
  if (connection == -1 && (errno == EAGAIN || errno == ECONNABORTED)) return Napi::Number::New(env, -1);
  return own(env, checked(env, connection, "accept"));
}

void shut_down(const Napi::CallbackInfo& info) {
  checked(info.Env(), shutdown(int_argument(info, 0), int_argument(info, 1)), "shutdown");
}

Napi::Value socket_option(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int value = 0;
  socklen_t length = sizeof(value);
  checked(env, getsockopt(int_argument(info, 0), SOL_SOCKET, int_argument(info, 1), &value, &length), "getsockopt");
  return Napi::Number::New(env, value);
}

void set_socket_option(const Napi::CallbackInfo& info) {
  int value = int_argument(info, 2);
  int result = setsockopt(int_argument(info, 0), SOL_SOCKET, int_argument(info, 1), &value, sizeof(value));
  checked(info.Env(), result, "setsockopt");
}

Napi::Value send_queue(const Napi::CallbackInfo& info) {
  int bytes = 0;
  checked(info.Env(), ioctl(int_argument(info, 0), SIOCOUTQ, &bytes), "ioctl");
  return Napi::Number::New(info.Env(), bytes);
}

Napi::Value peer_pidfd(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int pidfd = -1;
  socklen_t length = sizeof(pidfd);
  checked(env, getsockopt(int_argument(info, 0), SOL_SOCKET, SO_PEERPIDFD, &pidfd, &length), "getsockopt");
  return Napi::Number::New(env, Environment::of(env).fds.own(pidfd, Owned::kOwn));
}

// The bytes of sun_path as the kernel returns them: a pathname with a NUL. Null when the socket has no name.
Napi::Value name_bytes(Napi::Env env, const sockaddr_un& name, socklen_t length) {
  constexpr socklen_t kOffset = offsetof(sockaddr_un, sun_path);
  if (length <= kOffset) return env.Null();
  size_t bytes = std::min<size_t>(length - kOffset, sizeof(name.sun_path));
  return Napi::Buffer<char>::Copy(env, name.sun_path, bytes);
}

Napi::Value socket_name(const Napi::CallbackInfo& info) {
  sockaddr_un name;
  socklen_t length = sizeof(name);
  int result = getsockname(int_argument(info, 0), reinterpret_cast<sockaddr*>(&name), &length);
  checked(info.Env(), result, "getsockname");
  return name_bytes(info.Env(), name, length);
}

Napi::Value peer_name(const Napi::CallbackInfo& info) {
  sockaddr_un name;
  socklen_t length = sizeof(name);
  int result = getpeername(int_argument(info, 0), reinterpret_cast<sockaddr*>(&name), &length);
  checked(info.Env(), result, "getpeername");
  return name_bytes(info.Env(), name, length);
}

Napi::Value peer_credentials(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  ucred credentials{};
  socklen_t length = sizeof(credentials);
  checked(env, getsockopt(int_argument(info, 0), SOL_SOCKET, SO_PEERCRED, &credentials, &length), "getsockopt");
  auto result = Napi::Object::New(env);
  result.Set("pid", Napi::Number::New(env, credentials.pid));
  result.Set("uid", Napi::Number::New(env, credentials.uid));
  result.Set("gid", Napi::Number::New(env, credentials.gid));
  return result;
}

}  // namespace

void define_sockets(Napi::Env env, Napi::Object exports) {
  define(env, exports, "socket", unix_socket);
  define(env, exports, "socketpair", unix_socketpair);
  define(env, exports, "bind", bind_to);
  define(env, exports, "listen", listen_on);
  define(env, exports, "connect", connect_to);
  define(env, exports, "accept", accept_one);
  define(env, exports, "shutdown", shut_down);
  define(env, exports, "getSocketOption", socket_option);
  define(env, exports, "setSocketOption", set_socket_option);
  define(env, exports, "getSendQueue", send_queue);
  define(env, exports, "getPeerCredentials", peer_credentials);
  define(env, exports, "getPeerPidfd", peer_pidfd);
  define(env, exports, "getSocketName", socket_name);
  define(env, exports, "getPeerName", peer_name);
}

}  // namespace addon
