// Repeats a system call that a signal interrupted before it had an effect. Not for close(2): see unique_fd.h.
#pragma once

#include <errno.h>

namespace common {

template <typename Call>
auto retry_on_eintr(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result == -1 && errno == EINTR);
  return result;
}

}  // namespace common
