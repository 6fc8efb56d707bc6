// The judgement of a console (common/judge_console.h) for JavaScript.
#pragma once

#include <napi.h>

#include "../common/judge_console.h"

namespace addon {

// From arguments: columns, rows, whether only a terminal without a size gets them, and ONLCR (undefined: as it is).
common::ConsoleSettings console_settings(const Napi::CallbackInfo& info, size_t first);

// ConsoleVerdict of binding/console.ts.
Napi::Object describe_verdict(Napi::Env env, const common::ConsoleVerdict& verdict);

}  // namespace addon
