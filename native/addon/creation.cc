// Descriptors that are made to be passed on: pipe2(2), memfd_create(2), eventfd(2).
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "../common/retry.h"
#include "arguments.h"
#include "environment.h"
#include "errors.h"
#include "families.h"

// Newer than the headers of the oldest supported C library: Linux 6.3.
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace addon {

namespace {

Napi::Value make_pipe(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int ends[2];
  checked(env, pipe2(ends, O_CLOEXEC | (info[0].ToBoolean() ? O_NONBLOCK : 0)), "pipe2");
  auto result = Napi::Array::New(env, 2);
  // Both are owned before JavaScript can fail.
  for (int end : ends) Environment::of(env).fds.own(end, Owned::kOwn);
  for (uint32_t i = 0; i < 2; ++i) result.Set(i, Napi::Number::New(env, ends[i]));
  return result;
}

// Not executable where the kernel knows that: vm.memfd_noexec=2 refuses any other, and what is received can then not be
// run. The flag implies MFD_ALLOW_SEALING, so both ways can be sealed.
Napi::Value make_memfd(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string name = info[0].As<Napi::String>().Utf8Value();
  int fd = memfd_create(name.c_str(), MFD_CLOEXEC | MFD_NOEXEC_SEAL);
  if (fd == -1 && errno == EINVAL) fd = memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  checked(env, fd, "memfd_create");
  return Napi::Number::New(env, Environment::of(env).fds.own(fd, Owned::kOwn));
}

void truncate_file(const Napi::CallbackInfo& info) {
  int fd = int_argument(info, 0);
  int64_t size = info[1].As<Napi::Number>().Int64Value();
  checked(info.Env(), common::retry_on_eintr([&] { return ftruncate(fd, size); }), "ftruncate");
}

void add_seals(const Napi::CallbackInfo& info) {
  checked(info.Env(), fcntl(int_argument(info, 0), F_ADD_SEALS, int_argument(info, 1)), "fcntl");
}

// JavaScript's numbers above 2^31 arrive wrapped, which the cast undoes.
Napi::Value make_eventfd(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int flags = EFD_CLOEXEC | (info[1].ToBoolean() ? EFD_SEMAPHORE : 0) | (info[2].ToBoolean() ? EFD_NONBLOCK : 0);
  int fd = checked(env, eventfd(static_cast<unsigned int>(int_argument(info, 0)), flags), "eventfd");
  return Napi::Number::New(env, Environment::of(env).fds.own(fd, Owned::kOwn));
}

}  // namespace

void define_creation(Napi::Env env, Napi::Object exports) {
  define(env, exports, "pipe", make_pipe);
  define(env, exports, "memfd", make_memfd);
  define(env, exports, "truncate", truncate_file);
  define(env, exports, "addSeals", add_seals);
  define(env, exports, "eventfd", make_eventfd);
}

}  // namespace addon
