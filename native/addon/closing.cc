// What was handed over for closing, for JavaScript: closer.h.
#include "arguments.h"
#include "closer.h"
#include "environment.h"
#include "families.h"

namespace addon {

namespace {

Napi::Value state(const Napi::CallbackInfo& info) {
  ClosingState now = closing();
  auto result = Napi::Object::New(info.Env());
  result.Set("count", Napi::Number::New(info.Env(), static_cast<double>(now.count)));
  result.Set("oldestMs", Napi::Number::New(info.Env(), static_cast<double>(now.oldest_ms)));
  return result;
}

// Tickets as doubles: 2^53 of them last longer than any process.
Napi::Value mark(const Napi::CallbackInfo& info) {
  auto result = Napi::Array::New(info.Env(), kClosingKinds);
  ClosingMark now = closing_mark();
  for (uint32_t i = 0; i < kClosingKinds; ++i)
    result.Set(i, Napi::Number::New(info.Env(), static_cast<double>(now[i])));
  return result;
}

Napi::Value closed_before(const Napi::CallbackInfo& info) {
  ClosingMark mark{};
  auto given = info[0].As<Napi::Array>();
  for (uint32_t i = 0; i < kClosingKinds; ++i) mark[i] = static_cast<uint64_t>(given.Get(i).ToNumber().DoubleValue());
  return Napi::Boolean::New(info.Env(), is_closed(mark));
}

void on_closing(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).closing.begin(info.Env(), info[0].As<Napi::Function>());
}

void await_closed(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).closing.await_closed(info.Env(), info[0].ToBoolean());
}

Napi::Value lately(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), closed_lately());
}

Napi::Value wait(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), wait_for_closing(static_cast<uint64_t>(int_argument(info, 0))));
}

Napi::Value full(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), closer_is_full());
}

}  // namespace

void define_closing(Napi::Env env, Napi::Object exports) {
  define(env, exports, "closing", state);
  define(env, exports, "closingMark", mark);
  define(env, exports, "closedBefore", closed_before);
  define(env, exports, "onClosing", on_closing);
  define(env, exports, "awaitClosed", await_closed);
  define(env, exports, "closedLately", lately);
  define(env, exports, "waitForClosing", wait);
  define(env, exports, "closerIsFull", full);
}

}  // namespace addon
