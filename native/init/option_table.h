// One table has the options: their names, values, help, and the member of Options that each sets.
#pragma once

#include <stddef.h>

#include "options.h"

namespace init {

// `value` is not empty. False with the reason in `problem`.
using Reader = bool (*)(const char* value, Options* options, Message* problem);

// Each option sets one of the last five members.
struct Option {
  const char* name;
  const char* value = nullptr;  // the name of its value in --help; null: the option takes none
  const char* help;
  bool Options::* flag = nullptr;         // becomes true
  const char* Options::* text = nullptr;  // becomes the value
  int Options::* fd = nullptr;            // becomes the value, the number of an inherited descriptor
  Reader read = nullptr;                  // reads any other kind of value
  Request request = Request::kRun;        // what the option asks for in place of a command
};

inline constexpr size_t kOptionCount = 18;
extern const Option kOptions[kOptionCount];

// Sets what `option` stands for; `value` is null for an option that takes none.
bool apply(const Option& option, const char* value, Options* options, Message* problem);

}  // namespace init
