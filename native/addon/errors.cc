#include "errors.h"

#include <string>

#include "arguments.h"
#include "errno_names.h"
#include "families.h"

namespace addon {

Napi::Error system_error(Napi::Env env, int error, const char* syscall) {
  auto [name, text] = errno_name(error);
  // Node.js's form of both for a number that it does not know.
  std::string unknown = "Unknown system error " + std::to_string(-error);
  std::string code = name != nullptr ? name : unknown;
  Napi::Error failure = Napi::Error::New(env, syscall + (" " + code) + ": " + (text != nullptr ? text : unknown));
  failure.Set("code", Napi::String::New(env, code));
  failure.Set("errno", Napi::Number::New(env, -error));
  failure.Set("syscall", Napi::String::New(env, syscall));
  return failure;
}

void throw_errno(Napi::Env env, int error, const char* syscall) {
  throw system_error(env, error, syscall);
}

namespace {

Napi::Value make_error(const Napi::CallbackInfo& info) {
  std::string syscall = info[1].As<Napi::String>().Utf8Value();
  return system_error(info.Env(), int_argument(info, 0), syscall.c_str()).Value();
}

}  // namespace

void define_errors(Napi::Env env, Napi::Object exports) {
  define(env, exports, "makeError", make_error);
}

}  // namespace addon
