// The event loop: reaps children, forwards output and signals, and reports them (protocol.h) until no child is left.
#pragma once

#include <stdint.h>

#include "control.h"
#include "runtime.h"
#include "unique_fd.h"

namespace monitor {

class Monitor {
 public:
  Monitor(Control& control, Runtime& runtime) : control_(control), runtime_(runtime) {}

  // Call it before the runtime is started, with SIGCHLD blocked: if a descriptor is lacking, nothing runs yet. False
  // with errno set.
  bool open_events();

  // Returns when no child is left. False with errno set when epoll_wait(2) fails.
  bool run();

 private:
  // Where an event came from.
  enum Source : uint32_t { kChildren, kControl, kRuntimeOutput, kConsole };

  bool watch(int fd, Source source, uint32_t events);
  bool change(int operation, int fd, Source source, uint32_t events);
  void unwatch(int fd);
  bool reap();
  void report_runtime_end(int status);
  void report_children();
  void forward_output();
  void forward_last_output();
  void handle_record();
  void hold_console(common::UniqueFd console);
  void drain_console();

  Control& control_;
  Runtime& runtime_;
  bool runtime_runs_ = true;
  common::UniqueFd events_;
  common::UniqueFd signals_;
  // The PTY master of a console that its owner left: kHold.
  common::UniqueFd console_;
};

}  // namespace monitor
