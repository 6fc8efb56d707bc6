// The calls with addresses of AF_VSOCK, vsock(7). listen, accept and the others are in sockets.cc.
#include <errno.h>
#include <sys/socket.h>
// Needs the one above before it.
#include <linux/vm_sockets.h>

#include "arguments.h"
#include "environment.h"
#include "errors.h"
#include "families.h"

namespace addon {

namespace {

// JavaScript's numbers above 2^31 arrive wrapped, which the cast undoes.
sockaddr_vm address_argument(const Napi::CallbackInfo& info, size_t index) {
  sockaddr_vm address{};
  address.svm_family = AF_VSOCK;
  address.svm_cid = static_cast<unsigned int>(int_argument(info, index));
  address.svm_port = static_cast<unsigned int>(int_argument(info, index + 1));
  return address;
}

Napi::Value vsock_socket(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = checked(env, socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
  return Napi::Number::New(env, Environment::of(env).fds.own(fd, Owned::kOthers));
}

void vsock_bind(const Napi::CallbackInfo& info) {
  sockaddr_vm address = address_argument(info, 1);
  int fd = int_argument(info, 0);
  checked(info.Env(), bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), "bind");
  Environment::of(info.Env()).fds.change(fd, Owned::kListener);
}

// False: the connection is pending, and the socket becomes writable at its end. EINTR leaves it pending too (POSIX,
// connect).
Napi::Value vsock_connect(const Napi::CallbackInfo& info) {
  sockaddr_vm address = address_argument(info, 1);
  int result = connect(int_argument(info, 0), reinterpret_cast<sockaddr*>(&address), sizeof(address));
  if (result == -1 && (errno == EINPROGRESS || errno == EINTR)) return Napi::Boolean::New(info.Env(), false);
  checked(info.Env(), result, "connect");
  return Napi::Boolean::New(info.Env(), true);
}

// SO_ERROR has the reason of a failed connection. A connected socket has a peer's name.
Napi::Value vsock_connected(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = int_argument(info, 0);
  int error = 0;
  socklen_t length = sizeof(error);
  checked(env, getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length), "getsockopt");
  if (error != 0) throw_errno(env, error, "connect");
  sockaddr_vm peer;
  socklen_t size = sizeof(peer);
  return Napi::Boolean::New(env, getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0);
}

Napi::Value name_of(Napi::Env env, const sockaddr_vm& address) {
  auto result = Napi::Object::New(env);
  result.Set("cid", Napi::Number::New(env, address.svm_cid));
  result.Set("port", Napi::Number::New(env, address.svm_port));
  return result;
}

Napi::Value vsock_name(const Napi::CallbackInfo& info) {
  sockaddr_vm address{};
  socklen_t size = sizeof(address);
  checked(info.Env(), getsockname(int_argument(info, 0), reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return name_of(info.Env(), address);
}

Napi::Value vsock_peer(const Napi::CallbackInfo& info) {
  sockaddr_vm address{};
  socklen_t size = sizeof(address);
  checked(info.Env(), getpeername(int_argument(info, 0), reinterpret_cast<sockaddr*>(&address), &size), "getpeername");
  return name_of(info.Env(), address);
}

}  // namespace

void define_vsock(Napi::Env env, Napi::Object exports) {
  define(env, exports, "vsockSocket", vsock_socket);
  define(env, exports, "vsockBind", vsock_bind);
  define(env, exports, "vsockConnect", vsock_connect);
  define(env, exports, "vsockConnected", vsock_connected);
  define(env, exports, "vsockName", vsock_name);
  define(env, exports, "vsockPeer", vsock_peer);
}

}  // namespace addon
