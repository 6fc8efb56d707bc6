#include "console_judge.h"

#include "arguments.h"
#include "errors.h"
#include "families.h"

namespace addon {

namespace {

const char* failed_call(common::ConsoleRefusal refusal) {
  return refusal == common::ConsoleRefusal::kUnknownFile ? "statx" : "ioctl";
}

Napi::Value judge(const Napi::CallbackInfo& info) {
  return describe_verdict(info.Env(), common::judge_console(int_argument(info, 0), console_settings(info, 1)));
}

}  // namespace

common::ConsoleSettings console_settings(const Napi::CallbackInfo& info, size_t first) {
  common::ConsoleSettings settings;
  settings.columns = static_cast<uint16_t>(int_argument(info, first));
  settings.rows = static_cast<uint16_t>(int_argument(info, first + 1));
  settings.only_without_size = info[first + 2].ToBoolean();
  Napi::Value onlcr = info[first + 3];
  if (!onlcr.IsUndefined()) settings.onlcr = onlcr.ToBoolean() ? common::Onlcr::kOn : common::Onlcr::kOff;
  return settings;
}

Napi::Object describe_verdict(Napi::Env env, const common::ConsoleVerdict& verdict) {
  auto result = Napi::Object::New(env);
  result.Set("refusal", Napi::Number::New(env, static_cast<uint32_t>(verdict.refusal)));
  if (verdict.error != 0) result.Set("cause", system_error(env, verdict.error, failed_call(verdict.refusal)).Value());
  result.Set("mode", Napi::Number::New(env, verdict.seen.mode));
  result.Set("rdevMajor", Napi::Number::New(env, verdict.seen.rdev_major));
  result.Set("rdevMinor", Napi::Number::New(env, verdict.seen.rdev_minor));
  result.Set("columns", Napi::Number::New(env, verdict.columns));
  result.Set("rows", Napi::Number::New(env, verdict.rows));
  return result;
}

Napi::Object describe_delivery(Napi::Env env, const common::ReceivedConsole& console, int error) {
  if (error != 0) {
    auto failed = Napi::Object::New(env);
    failed.Set("error", system_error(env, error, "recvmsg").Value());
    return failed;
  }
  auto delivery = describe_verdict(env, console.verdict);
  if (console.verdict.refusal == common::ConsoleRefusal::kNone) {
    delivery.Set("master", Napi::Number::New(env, console.control.fds[0]));
  }
  delivery.Set("count", Napi::Number::New(env, static_cast<double>(console.control.fd_count)));
  delivery.Set("name", Napi::Buffer<char>::Copy(env, console.name, console.name_length));
  return delivery;
}

void define_consoles(Napi::Env env, Napi::Object exports) {
  define(env, exports, "judgeConsole", judge);
}

}  // namespace addon
