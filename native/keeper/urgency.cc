#include "urgency.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

// Newer than the headers of the oldest supported C libraries, or hidden by them.
#ifndef SCHED_RESET_ON_FORK
#define SCHED_RESET_ON_FORK 0x40000000
#endif

namespace keeper {

namespace {

// By number: musl's function answers ENOSYS, because POSIX gives it to the process and Linux to the thread.
void schedule(int policy, int priority) {
  syscall(SYS_sched_setscheduler, 0, policy, &priority);
}

}  // namespace

void run_urgently() {
  schedule(SCHED_FIFO | SCHED_RESET_ON_FORK, 1);
}

void run_normally() {
  schedule(SCHED_OTHER, 0);
}

}  // namespace keeper
