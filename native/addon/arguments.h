// Arguments from TypeScript, which has validated them. These checks only keep a mistake from becoming a stray read.
#pragma once

#include <napi.h>

#include <span>

namespace addon {

inline int int_argument(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsNumber()) throw Napi::TypeError::New(info.Env(), "expected a number");
  return info[index].As<Napi::Number>().Int32Value();
}

inline std::span<uint8_t> bytes_argument(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsTypedArray()) throw Napi::TypeError::New(info.Env(), "expected a Uint8Array");
  auto array = info[index].As<Napi::Uint8Array>();
  return {array.Data(), array.ByteLength()};
}

}  // namespace addon
