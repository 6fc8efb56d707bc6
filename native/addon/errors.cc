#include "errors.h"

#include <errno.h>
#include <uv.h>

#include <string>

namespace addon {

namespace {

// libuv's table. The oldest supported libuv lacks ETOOMANYREFS.
const char* name_of(int error) {
  return error == ETOOMANYREFS ? "ETOOMANYREFS" : uv_err_name(-error);
}

const char* text_of(int error) {
  return error == ETOOMANYREFS ? "too many references: cannot splice" : uv_strerror(-error);
}

}  // namespace

void throw_errno(Napi::Env env, int error, const char* syscall) {
  std::string code = name_of(error);
  Napi::Error failure = Napi::Error::New(env, syscall + (" " + code) + ": " + text_of(error));
  failure.Set("code", Napi::String::New(env, code));
  failure.Set("errno", Napi::Number::New(env, -error));
  failure.Set("syscall", Napi::String::New(env, syscall));
  // NOLINTNEXTLINE(cert-err09-cpp,cert-err61-cpp,misc-throw-by-value-catch-by-reference): its properties are set first
  throw failure;
}

}  // namespace addon
