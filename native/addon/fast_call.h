// Arguments of functions that are called for every message, read with N-API itself: node-addon-api's wrappers cost as
// much again as the conversions. As in arguments.h, the checks only keep a mistake from becoming a stray read.
#pragma once

#include <napi.h>
#include <stdint.h>
#include <sys/types.h>

#include <span>

namespace addon {

template <size_t kCount>
class FastCall {
 public:
  FastCall(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = kCount;
    // Missing arguments become undefined.
    napi_get_cb_info(env, info, &count, arguments_, nullptr, nullptr);
  }

  // A missing argument is 0.
  int32_t integer(size_t index) const {
    int32_t value = 0;
    napi_get_value_int32(env_, arguments_[index], &value);
    return value;
  }

  // Empty when the argument is not a Uint8Array.
  std::span<uint8_t> bytes(size_t index) const {
    napi_typedarray_type type;
    size_t length = 0;
    void* data = nullptr;
    // A null pointer for the ArrayBuffer saves the creation of its handle.
    napi_status status = napi_get_typedarray_info(env_, arguments_[index], &type, &length, &data, nullptr, nullptr);
    if (status != napi_ok || type != napi_uint8_array) return {};
    return {static_cast<uint8_t*>(data), length};
  }

 private:
  napi_env env_;
  napi_value arguments_[kCount];
};

// Adds a function of this kind to `exports`. Its C++ exceptions become JavaScript's.
template <napi_value (*function)(napi_env, napi_callback_info)>
void define_fast(Napi::Env env, Napi::Object exports, const char* name) {
  napi_callback callback = [](napi_env env, napi_callback_info info) -> napi_value {
    try {
      return function(env, info);
    } catch (const Napi::Error& error) {
      error.ThrowAsJavaScriptException();
      return nullptr;
    }
  };
  napi_value result = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &result);
  exports.Set(name, Napi::Value(env, result));
}

}  // namespace addon
