// Starting a process with the descriptors of a request, and reaping it.
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arguments.h"
#include "environment.h"
#include "errors.h"
#include "families.h"

// Newer than the headers of the oldest supported C library; the same number on every architecture.
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

namespace addon {

namespace {

std::vector<std::string> strings(const Napi::Value& value) {
  auto array = value.As<Napi::Array>();
  std::vector<std::string> result;
  for (uint32_t i = 0; i < array.Length(); ++i) result.push_back(Napi::Value(array[i]).As<Napi::String>().Utf8Value());
  return result;
}

void start(const Napi::CallbackInfo& info) {
  auto options = info[0].As<Napi::Object>();
  auto request = std::make_unique<StartRequest>();
  request->id = info[1].As<Napi::Number>().Uint32Value();
  request->file = options.Get("file").As<Napi::String>().Utf8Value();
  request->arguments = strings(options.Get("arguments"));
  request->environment = strings(options.Get("environment"));
  request->directory = options.Get("directory").As<Napi::String>().Utf8Value();
  request->own_session = options.Get("ownSession").ToBoolean();
  auto descriptors = options.Get("descriptors").As<Napi::Array>();
  if (descriptors.Length() > kMaxStartDescriptors) throw_errno(info.Env(), E2BIG, "sendmsg");
  for (uint32_t i = 0; i < descriptors.Length(); ++i) {
    request->descriptors.push_back(Napi::Value(descriptors[i]).As<Napi::Number>().Int32Value());
  }
  int error = Environment::of(info.Env()).children.start(std::move(request));
  if (error != 0) throw_errno(info.Env(), error, "sendmsg");
}

Napi::Value replies(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(),
                           checked(info.Env(), Environment::of(info.Env()).children.replies(), "socketpair"));
}

void stop_replies(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).children.stop_replies();
}

Napi::Value next_reply(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto& environment = Environment::of(env);
  StartReply reply;
  if (!environment.children.next(&reply)) return env.Null();
  int pidfd = -1;
  uint32_t id = reply.id;
  if (reply.pid > 0) {
    // Until it is reaped, which only this environment does, the number is its own.
    pidfd = static_cast<int>(syscall(SYS_pidfd_open, reply.pid, 0));
    if (pidfd == -1) {
      int error = errno;
      environment.children.end(reply.pid);
      reply = {0, 0, error, "pidfd_open"};
    }
  }
  if (pidfd >= 0) environment.fds.own(pidfd, Owned::kOwn);
  auto result = Napi::Object::New(env);
  result.Set("id", Napi::Number::New(env, id));
  result.Set("pid", Napi::Number::New(env, reply.pid));
  result.Set("pidfd", Napi::Number::New(env, pidfd));
  result.Set("errno", Napi::Number::New(env, -reply.error));
  result.Set("call", Napi::String::New(env, reply.call == nullptr ? "" : reply.call));
  return result;
}

Napi::Value reap(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto pid = static_cast<pid_t>(int_argument(info, 0));
  int status = 0;
  if (checked(env, Environment::of(env).children.reap(pid, &status), "waitpid") == 0) return env.Null();
  return Napi::Number::New(env, status);
}

void end_process(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).children.end(static_cast<pid_t>(int_argument(info, 0)));
}

}  // namespace

void define_starting(Napi::Env env, Napi::Object exports) {
  define(env, exports, "startProcess", start);
  define(env, exports, "startReplies", replies);
  define(env, exports, "stopStartReplies", stop_replies);
  define(env, exports, "nextStartReply", next_reply);
  define(env, exports, "reapProcess", reap);
  define(env, exports, "endProcess", end_process);
}

}  // namespace addon
