// The judgement of a console (common/judge_console.h) and what was received (common/receive_console.h) for JavaScript.
#pragma once

#include <napi.h>

#include "../common/receive_console.h"

namespace addon {

// From arguments: columns, rows, whether only a terminal without a size gets them, and ONLCR (undefined: as it is).
common::ConsoleSettings console_settings(const Napi::CallbackInfo& info, size_t first);

// ConsoleVerdict of binding/console.ts.
Napi::Object describe_verdict(Napi::Env env, const common::ConsoleVerdict& verdict);

// ConsoleDelivery of binding/console.ts; `error` is that of recvmsg(2), or 0.
Napi::Object describe_delivery(Napi::Env env, const common::ReceivedConsole& console, int error);

}  // namespace addon
