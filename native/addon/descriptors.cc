// Calls on any descriptor: close, dup, dup2, fcntl, flock, statx.
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "../common/file_identity.h"
#include "../common/retry.h"
#include "arguments.h"
#include "close_number.h"
#include "closer.h"
#include "environment.h"
#include "errors.h"
#include "families.h"
#include "fast_call.h"

namespace addon {

namespace {

// A number that is not open is refused: owned, it would later close what another part of the process opened under it,
// and the table of owned descriptors has a byte for each number below. What this environment owns already is not asked
// again, and is not trusted more than before.
Napi::Value adopt(const Napi::CallbackInfo& info) {
  int fd = int_argument(info, 0);
  auto& owned = Environment::of(info.Env()).fds;
  Owned before = owned.how(fd);
  Owned how = info[1].ToBoolean() ? Owned::kOthers : Owned::kOwn;
  if (before == Owned::kNot) {
    checked(info.Env(), fcntl(fd, F_GETFD), "fcntl");
    owned.own(fd, how);
  } else if (before == Owned::kOwn) {
    owned.change(fd, how);
  }
  return Napi::Boolean::New(info.Env(), before != Owned::kNot);
}

napi_value disown(napi_env env, napi_callback_info info) {
  Environment::of(env).fds.disown(FastCall<1>(env, info).integer(0));
  return nullptr;
}

void distrust(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).fds.change(int_argument(info, 0), Owned::kOthers);
}

void treat_as_master(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).fds.change(int_argument(info, 0), Owned::kMaster);
}

void treat_as_listener(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).fds.change(int_argument(info, 0), Owned::kListener);
}

Napi::Value untrusted(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), is_untrusted(Environment::of(info.Env()).fds.how(int_argument(info, 0))));
}

void close_fd(const Napi::CallbackInfo& info) {
  int fd = int_argument(info, 0);
  Owned how = Environment::of(info.Env()).fds.disown(fd);
  if (how == Owned::kListener) {
    hand_over_and_wait(fd, ClosingKind::kListeners);
  } else if (is_untrusted(how)) {
    hand_over({&fd, 1}, closing_kind(how));
  } else if (close_number(fd) == -1 && errno != EINTR) {
    // close(2) frees the number whatever it returns. EINTR is no failure: a second call could close another file.
    throw_errno(info.Env(), errno, "close");
  }
}

// A copy shares the original's open file, and every close(2) of it may wait. Only the name of a listener is not freed
// by the close of a copy.
Napi::Value duplicate(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = int_argument(info, 0);
  auto& owned = Environment::of(env).fds;
  Owned how = owned.how(fd);
  if (how == Owned::kListener || info[1].ToBoolean()) how = Owned::kOthers;
  if (how == Owned::kNot) how = Owned::kOwn;
  return Napi::Number::New(env, owned.own(checked(env, fcntl(fd, F_DUPFD_CLOEXEC, 3), "fcntl"), how));
}

// dup2(2) closes what was there, which can wait as any close can.
void duplicate_to(const Napi::CallbackInfo& info) {
  int to = int_argument(info, 1);
  int copy = checked(info.Env(), fcntl(int_argument(info, 0), F_DUPFD_CLOEXEC, 3), "fcntl");
  if (!hand_over_replaced(to, copy)) throw_errno(info.Env(), EBUSY, "dup2");
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
  define(env, exports, "distrust", distrust);
  define(env, exports, "treatAsMaster", treat_as_master);
  define(env, exports, "treatAsListener", treat_as_listener);
  define(env, exports, "isUntrusted", untrusted);
  define(env, exports, "close", close_fd);
  define(env, exports, "dup", duplicate);
  define(env, exports, "duplicateTo", duplicate_to);
  define(env, exports, "getStatusFlags", status_flags);
  define(env, exports, "setNonBlocking", set_non_blocking);
  define(env, exports, "tryLock", try_lock);
  define(env, exports, "identify", identify);
}

}  // namespace addon
