// Sessions and their controlling terminals: getsid(2), setsid(2), ioctl_tty(2) TIOCSCTTY and TIOCGSID.
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "arguments.h"
#include "errors.h"
#include "families.h"

namespace addon {

namespace {

Napi::Value session_of(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), checked(info.Env(), getsid(int_argument(info, 0)), "getsid"));
}

void new_session(const Napi::CallbackInfo& info) {
  checked(info.Env(), setsid(), "setsid");
}

void set_controlling_terminal(const Napi::CallbackInfo& info) {
  checked(info.Env(), ioctl(int_argument(info, 0), TIOCSCTTY, 0), "ioctl");
}

// ENOTTY from a master means that no session has the terminal: not yet, or not any more.
Napi::Value session_leader(const Napi::CallbackInfo& info) {
  pid_t leader = 0;
  int result = ioctl(int_argument(info, 0), TIOCGSID, &leader);
  if (result == -1 && errno == ENOTTY) return Napi::Number::New(info.Env(), 0);
  checked(info.Env(), result, "ioctl");
  return Napi::Number::New(info.Env(), leader);
}

}  // namespace

void define_sessions(Napi::Env env, Napi::Object exports) {
  define(env, exports, "getSession", session_of);
  define(env, exports, "newSession", new_session);
  define(env, exports, "setControllingTerminal", set_controlling_terminal);
  define(env, exports, "getSessionLeader", session_leader);
}

}  // namespace addon
