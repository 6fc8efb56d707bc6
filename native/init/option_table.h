// One table names the options, their values, their help and what reads them.
#pragma once

#include <stddef.h>

#include "options.h"

namespace init {

// `value` is what the table's `value` describes; null for an option that takes none.
using Reader = bool (*)(const char* value, Options* options, Message* problem);

struct Option {
  const char* name;
  const char* value;  // what the value is called; null: the option takes none
  Reader read;
  Request request;  // kRun, unless the option asks for something else
  const char* help;
};

inline constexpr size_t kOptionCount = 18;
extern const Option kOptions[kOptionCount];

}  // namespace init
