// The loop of the monitor: reaps, passes on, and tells (protocol.h) until it has no children any more.
#pragma once

#include <stdint.h>

#include "control.h"
#include "runtime.h"
#include "unique_fd.h"

namespace monitor {

class Monitor {
 public:
  Monitor(Control& control, Runtime& runtime) : control_(control), runtime_(runtime) {}

  // Before the runtime is started: what can be lacking is lacking then. SIGCHLD is blocked here. False with errno set.
  bool begin();

  // Returns when there are no children any more; false with errno set when it cannot go on.
  bool run();

 private:
  // What an event belongs to.
  enum Source : uint32_t { kChildren, kControl, kRuntimeOutput, kConsole };

  bool watch(int fd, Source source, uint32_t events);
  bool change(int operation, int fd, Source source, uint32_t events);
  void unwatch(int fd);
  bool reap();
  void runtime_ended(int status);
  void tell_children();
  void forward_output();
  void forward_last_output();
  void listen();
  void drain_console();

  Control& control_;
  Runtime& runtime_;
  bool runtime_runs_ = true;
  common::UniqueFd events_;
  common::UniqueFd signals_;
  // The ptmx of a console that its owner left: see kHold.
  common::UniqueFd console_;
};

}  // namespace monitor
