// Calls on any descriptor: close, dup, dup2, fcntl, flock, statx.
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "../common/file_identity.h"
#include "../common/retry.h"
#include "arguments.h"
#include "close_number.h"
#include "environment.h"
#include "errors.h"
#include "families.h"
#include "fast_call.h"

namespace addon {

namespace {

// A number that is not open is refused: owned, it would later close what another part of the process opened under it,
// and the table of owned descriptors has a byte for each number below. What this environment owns already is not asked
// again.
Napi::Value adopt(const Napi::CallbackInfo& info) {
  int fd = int_argument(info, 0);
  auto& owned = Environment::of(info.Env()).fds;
  bool owned_already = owned.owns(fd);
  if (!owned_already) {
    checked(info.Env(), fcntl(fd, F_GETFD), "fcntl");
    owned.own(fd);
  }
  return Napi::Boolean::New(info.Env(), owned_already);
}

napi_value disown(napi_env env, napi_callback_info info) {
  Environment::of(env).fds.disown(FastCall<1>(env, info).integer(0));
  return nullptr;
}

void close_fd(const Napi::CallbackInfo& info) {
  int fd = int_argument(info, 0);
  Environment::of(info.Env()).fds.disown(fd);
  // close(2) frees the number whatever it returns. EINTR is no failure: a second call could close another file.
  if (close_number(fd) == -1 && errno != EINTR) throw_errno(info.Env(), errno, "close");
}

Napi::Value duplicate(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int copy = checked(env, fcntl(int_argument(info, 0), F_DUPFD_CLOEXEC, 3), "fcntl");
  return Napi::Number::New(env, Environment::of(env).fds.own(copy));
}

void duplicate_to(const Napi::CallbackInfo& info) {
  int from = int_argument(info, 0);
  int to = int_argument(info, 1);
  checked(info.Env(), common::retry_on_eintr([&] { return dup2(from, to); }), "dup2");
}

Napi::Value has_room(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), Environment::of(info.Env()).descriptor_limit.has_room());
}

Napi::Value status_flags(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), checked(info.Env(), fcntl(int_argument(info, 0), F_GETFL), "fcntl"));
}

void set_non_blocking(const Napi::CallbackInfo& info) {
  int fd = int_argument(info, 0);
  int flags = checked(info.Env(), fcntl(fd, F_GETFL), "fcntl");
  checked(info.Env(), fcntl(fd, F_SETFL, flags | O_NONBLOCK), "fcntl");
}

Napi::Value try_lock(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = int_argument(info, 0);
  int result = common::retry_on_eintr([&] { return flock(fd, LOCK_EX | LOCK_NB); });
  if (result == -1 && errno == EWOULDBLOCK) return Napi::Boolean::New(env, false);
  checked(env, result, "flock");
  return Napi::Boolean::New(env, true);
}

Napi::Value identify(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  common::FileIdentity file;
  if (!common::identify(int_argument(info, 0), &file)) throw_errno(env, errno, "statx");
  auto result = Napi::Object::New(env);
  result.Set("mode", Napi::Number::New(env, file.mode));
  result.Set("rdevMajor", Napi::Number::New(env, file.rdev_major));
  result.Set("rdevMinor", Napi::Number::New(env, file.rdev_minor));
  result.Set("ino", Napi::BigInt::New(env, file.inode));
  return result;
}

}  // namespace

void define_descriptors(Napi::Env env, Napi::Object exports) {
  define(env, exports, "adopt", adopt);
  define_fast<disown>(env, exports, "disown");
  define(env, exports, "close", close_fd);
  define(env, exports, "dup", duplicate);
  define(env, exports, "duplicateTo", duplicate_to);
  define(env, exports, "hasRoom", has_room);
  define(env, exports, "getStatusFlags", status_flags);
  define(env, exports, "setNonBlocking", set_non_blocking);
  define(env, exports, "tryLock", try_lock);
  define(env, exports, "identify", identify);
}

}  // namespace addon
