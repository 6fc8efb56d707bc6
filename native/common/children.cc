#include "children.h"

#include <fcntl.h>
#include <unistd.h>

#include "retry.h"
#include "unique_fd.h"

namespace common {

bool for_each_child(void (*visit)(pid_t child, void* context), void* context) {
  UniqueFd list(open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC));
  char text[512];
  pid_t pid = 0;
  for (;;) {
    ssize_t length = list.valid() ? retry_on_eintr([&] { return read(list.get(), text, sizeof(text)); }) : 0;
    if (length <= 0) break;
    // "12 345 6789 ", which may be cut anywhere.
    for (ssize_t i = 0; i < length; i++) {
      bool digit = text[i] >= '0' && text[i] <= '9';
      if (!digit && pid > 0) visit(pid, context);
      pid = digit ? pid * 10 + (text[i] - '0') : 0;
    }
  }
  if (pid > 0) visit(pid, context);
  return list.valid();
}

}  // namespace common
