// Opening a terminal where the root file system is not to be trusted, and taking it: the calls of an init that is
// written in Node. The way to a terminal is console-init's own (common/pty.h).
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string>

#include "../common/pty.h"
#include "../common/retry.h"
#include "arguments.h"
#include "environment.h"
#include "errors.h"
#include "families.h"

namespace addon {

namespace {

Napi::Value describe(Napi::Env env, const common::PtyFailure& failure) {
  auto result = Napi::Object::New(env);
  result.Set("problem", Napi::Number::New(env, static_cast<int>(failure.problem)));
  result.Set("errno", Napi::Number::New(env, failure.error));
  result.Set("path", Napi::String::New(env, failure.path));
  result.Set("mode", Napi::Number::New(env, failure.seen.mode));
  result.Set("rdevMajor", Napi::Number::New(env, failure.seen.rdev_major));
  result.Set("rdevMinor", Napi::Number::New(env, failure.seen.rdev_minor));
  result.Set("filesystem", Napi::Number::New(env, failure.filesystem));
  return result;
}

Napi::Value open_pty(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  common::Pty pty;
  std::string through = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : "";
  common::PtyFailure failure =
      through.empty() ? common::open_pty(&pty) : common::open_pty_through(through.c_str(), &pty);
  if (failure.failed()) return describe(env, failure);
  OwnedFds& fds = Environment::of(env).fds;
  auto result = Napi::Object::New(env);
  result.Set("ptmx", Napi::Number::New(env, fds.own(pty.ptmx.release())));
  result.Set("peer", Napi::Number::New(env, fds.own(pty.peer.release())));
  return result;
}

Napi::Value session_of(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), checked(info.Env(), getsid(int_argument(info, 0)), "getsid"));
}

void new_session(const Napi::CallbackInfo& info) {
  checked(info.Env(), setsid(), "setsid");
}

void take_terminal(const Napi::CallbackInfo& info) {
  checked(info.Env(), ioctl(int_argument(info, 0), TIOCSCTTY, 0), "ioctl");
}

void duplicate_to(const Napi::CallbackInfo& info) {
  int from = int_argument(info, 0);
  int to = int_argument(info, 1);
  checked(info.Env(), common::retry_on_eintr([&] { return dup2(from, to); }), "dup2");
}

}  // namespace

void define_pty_allocation(Napi::Env env, Napi::Object exports) {
  define(env, exports, "openPty", open_pty);
  define(env, exports, "getSession", session_of);
  define(env, exports, "newSession", new_session);
  define(env, exports, "setControllingTerminal", take_terminal);
  define(env, exports, "duplicateTo", duplicate_to);
}

}  // namespace addon
