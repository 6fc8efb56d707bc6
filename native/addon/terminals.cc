// ioctl_tty(2), termios(3): queries to a descriptor that was identified as a PTY master, and the settings of
// the user's own terminal.
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "../common/judge_console.h"
#include "../common/retry.h"
#include "arguments.h"
#include "environment.h"
#include "errors.h"
#include "families.h"

namespace addon {

namespace {

// An ioctl that answers with one int.
template <unsigned long Request>
Napi::Value get_int(const Napi::CallbackInfo& info) {
  int value = 0;
  checked(info.Env(), ioctl(int_argument(info, 0), Request, &value), "ioctl");
  return Napi::Number::New(info.Env(), value);
}

Napi::Value window_size(const Napi::CallbackInfo& info) {
  winsize size{};
  checked(info.Env(), ioctl(int_argument(info, 0), TIOCGWINSZ, &size), "ioctl");
  auto result = Napi::Object::New(info.Env());
  result.Set("columns", Napi::Number::New(info.Env(), size.ws_col));
  result.Set("rows", Napi::Number::New(info.Env(), size.ws_row));
  return result;
}

void set_window_size(const Napi::CallbackInfo& info) {
  winsize size{};
  size.ws_col = static_cast<unsigned short>(int_argument(info, 1));
  size.ws_row = static_cast<unsigned short>(int_argument(info, 2));
  checked(info.Env(), ioctl(int_argument(info, 0), TIOCSWINSZ, &size), "ioctl");
}

void set_onlcr(const Napi::CallbackInfo& info) {
  bool done = common::set_onlcr(int_argument(info, 0), info[1].ToBoolean());
  if (!done) throw_errno(info.Env(), errno, "ioctl");
}

// The settings as opaque bytes, so that JavaScript restores them exactly.
Napi::Value get_settings(const Napi::CallbackInfo& info) {
  termios settings{};
  checked(info.Env(), tcgetattr(int_argument(info, 0), &settings), "tcgetattr");
  return Napi::Buffer<uint8_t>::Copy(info.Env(), reinterpret_cast<uint8_t*>(&settings), sizeof(settings));
}

// From a process in the background this call stops the whole process with SIGTTOU, unless that is ignored.
void set_settings(const Napi::CallbackInfo& info) {
  auto bytes = bytes_argument(info, 1);
  if (bytes.size() != sizeof(termios)) throw_errno(info.Env(), EINVAL, "tcsetattr");
  termios settings;
  memcpy(&settings, bytes.data(), sizeof(settings));
  int fd = int_argument(info, 0);
  checked(info.Env(), common::retry_on_eintr([&] { return tcsetattr(fd, TCSANOW, &settings); }), "tcsetattr");
}

// Turns output processing off too, as ssh and docker do. Node.js's setRawMode leaves it on, and the user's terminal
// would turn a newline into two characters, which the container's terminal has done already.
void make_raw(const Napi::CallbackInfo& info) {
  int fd = int_argument(info, 0);
  termios settings{};
  checked(info.Env(), tcgetattr(fd, &settings), "tcgetattr");
  cfmakeraw(&settings);
  checked(info.Env(), common::retry_on_eintr([&] { return tcsetattr(fd, TCSANOW, &settings); }), "tcsetattr");
}

}  // namespace

void define_terminals(Napi::Env env, Napi::Object exports) {
  define(env, exports, "getPtyNumber", get_int<TIOCGPTN>);
  define(env, exports, "getWindowSize", window_size);
  define(env, exports, "setWindowSize", set_window_size);
  define(env, exports, "setOnlcr", set_onlcr);
  define(env, exports, "getTerminalSettings", get_settings);
  define(env, exports, "setTerminalSettings", set_settings);
  define(env, exports, "makeRaw", make_raw);
}

}  // namespace addon
