#include "closing_news.h"

namespace addon {

void ClosingNews::begin(Napi::Env env, const Napi::Function& callback) {
  if (function_ != nullptr) return;
  napi_value name = Napi::String::New(env, "CmsgClosing");
  napi_status status =
      napi_create_threadsafe_function(env, callback, nullptr, name, 0, 1, nullptr, nullptr, this, call, &function_);
  if (status != napi_ok) throw Napi::Error::New(env, "napi_create_threadsafe_function failed");
  napi_unref_threadsafe_function(env, function_);
  observe_closing(this, on_event);
  // Cleanup hooks run in reverse order: this one runs before Node.js frees the function.
  napi_add_env_cleanup_hook(env, [](void* self) { static_cast<ClosingNews*>(self)->end(); }, this);
}

void ClosingNews::end() {
  unobserve_closing(this);
  if (awaited_) watch_closing(-1);
  awaited_ = false;
}

void ClosingNews::await_closed(Napi::Env env, bool awaited) {
  if (function_ == nullptr || awaited == awaited_) return;
  awaited_ = awaited;
  watch_closing(awaited ? 1 : -1);
  if (awaited) {
    napi_ref_threadsafe_function(env, function_);
  } else {
    napi_unref_threadsafe_function(env, function_);
  }
}

void ClosingNews::on_event(void* who, ClosingEvent event, ClosingKind kind, uint64_t ms) {
  auto* self = static_cast<ClosingNews*>(who);
  if (event == ClosingEvent::kClosed && self->closed_told_.exchange(true)) return;
  auto* told = new Told{event, kind, ms};
  if (napi_call_threadsafe_function(self->function_, told, napi_tsfn_nonblocking) != napi_ok) delete told;
}

void ClosingNews::call(napi_env env, napi_value callback, void* context, void* data) {
  auto* told = static_cast<Told*>(data);
  Told news = *told;
  delete told;
  // The environment ends.
  if (env == nullptr) return;
  if (news.event == ClosingEvent::kClosed) static_cast<ClosingNews*>(context)->closed_told_.store(false);
  napi_value arguments[3];
  napi_value self;
  napi_create_uint32(env, static_cast<uint32_t>(news.event), &arguments[0]);
  napi_create_uint32(env, static_cast<uint32_t>(news.kind), &arguments[1]);
  napi_create_double(env, static_cast<double>(news.ms), &arguments[2]);
  napi_get_undefined(env, &self);
  napi_call_function(env, self, callback, 3, arguments, nullptr);
}

}  // namespace addon
