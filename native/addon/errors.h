// A failed system call as a JavaScript error in the shape of Node.js's `net`: code, errno, syscall, and the message
// "connect ENOENT: no such file or directory". TypeScript adds the address, which it knows as the caller wrote it
// (packages/cmsg/src/errors.ts).
#pragma once

#include <napi.h>

namespace addon {

Napi::Error system_error(Napi::Env env, int error, const char* syscall);

[[noreturn]] void throw_errno(Napi::Env env, int error, const char* syscall);

// `result`, or the error when it is -1.
template <typename Result>
Result checked(Napi::Env env, Result result, const char* syscall) {
  if (result == -1) throw_errno(env, errno, syscall);
  return result;
}

}  // namespace addon
