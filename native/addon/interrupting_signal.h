// The signal with which the watchdog interrupts a system call of another thread.
//
// A standard signal is preferred, because it needs no entry of the signal queue: any process of the same user can use
// up RLIMIT_SIGPENDING, and real-time signals fail with EAGAIN then. SIGURG comes first, because it is ignored where it
// has no handler, so that it can do no harm. A number that other code of the process has a handler for, or that the
// thread blocks, is passed over. This is found out each time, because other code may begin to use a number at any time.
#pragma once

#include <stdint.h>
#include <sys/types.h>

namespace addon {

// Returns the signal that was sent to the thread as a mask (bit 0 is signal 1), or 0 when there is none that would
// interrupt it. Installs the handler of that signal when it is first sent.
uint64_t interrupt_thread(pid_t thread);

// Returns when the signals of the mask, which were sent to the calling thread, are delivered.
void take_pending(uint64_t signals);

}  // namespace addon
