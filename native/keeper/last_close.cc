#include "last_close.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "inherited.h"
#include "retry.h"

namespace keeper {

namespace {

// Keeps nothing but its copy until the other process has closed its own, which the pipe's end of file tells.
[[noreturn]] void close_last(int master, int parent_closed) {
  int kept[] = {master, parent_closed};
  close_all_but(kept, 2);
  leave_standard_streams();
  char none;
  ssize_t end = common::retry_on_eintr([&] { return read(parent_closed, &none, 1); });
  _exit(end == 0 ? 0 : 1);
}

}  // namespace

pid_t close_in_child(common::UniqueFd master) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) == -1) return 0;
  common::UniqueFd parent_closed(ends[0]);
  common::UniqueFd closing(ends[1]);
  pid_t child = fork();
  if (child == 0) {
    // Its copy of the writing end would keep the end of file away.
    closing.reset();
    close_last(master.get(), parent_closed.get());
  }
  // A signal may interrupt fork(2) never: without memory or room for a process, this process's close is the last one.
  return child > 0 ? child : 0;
}

}  // namespace keeper
