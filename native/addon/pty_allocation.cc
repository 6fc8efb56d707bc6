// Opens a terminal in a root file system that is not to be trusted, for an init that is written in JavaScript. The
// checks are those of console-init (common/pty.h).
#include <string>

#include "../common/pty.h"
#include "environment.h"
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
  result.Set("ptmx", Napi::Number::New(env, fds.own(pty.ptmx.release(), Owned::kMaster)));
  result.Set("peer", Napi::Number::New(env, fds.own(pty.peer.release(), Owned::kOthers)));
  return result;
}

}  // namespace

void define_pty_allocation(Napi::Env env, Napi::Object exports) {
  define(env, exports, "openPty", open_pty);
}

}  // namespace addon
