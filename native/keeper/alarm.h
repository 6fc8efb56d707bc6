// Frees a system call that blocks although it must not: while calls on the master are made, SIGALRM comes every 200 ms
// and interrupts whatever the process is in. Another holder of the master can clear O_NONBLOCK between the look at it
// and the call, so no check before the call is enough.
#pragma once

#include <stdint.h>

namespace keeper {

class Alarm {
 public:
  // Once, before the first `arm`. False with errno set.
  bool open();
  // Before calls on the master. Costs a system call only when the timer stands still.
  void arm();
  // Once a turn: stops the timer after an interval without calls.
  void rest();

 private:
  bool running_ = false;
  uint32_t calls_ = 0;
  uint32_t calls_before_ = 0;
  int ticks_seen_ = 0;
};

}  // namespace keeper
