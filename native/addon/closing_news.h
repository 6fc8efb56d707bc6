// Tells one environment what happens to the descriptors that were handed over for closing. Its JavaScript callback runs
// on the event loop, which does not stay alive for it, except while `await_closed` asks for that.
#pragma once

#include <napi.h>

#include <atomic>

#include "closer.h"

namespace addon {

class ClosingNews {
 public:
  ClosingNews() = default;
  ClosingNews(const ClosingNews&) = delete;
  ClosingNews& operator=(const ClosingNews&) = delete;

  // Calls `callback(event, kind, ms)`; the numbers are those of closer.h. Once in an environment.
  void begin(Napi::Env env, const Napi::Function& callback);
  // Whether ClosingEvent::kClosed is told too.
  void await_closed(Napi::Env env, bool awaited);

 private:
  struct Told {
    ClosingEvent event;
    ClosingKind kind;
    uint64_t ms;
  };

  static void on_event(void* self, ClosingEvent event, ClosingKind kind, uint64_t ms);
  static void call(napi_env env, napi_value callback, void* self, void* told);
  void end();

  napi_threadsafe_function function_ = nullptr;
  bool awaited_ = false;
  // One call on its way is enough for any number of closes.
  std::atomic<bool> closed_told_{false};
};

}  // namespace addon
