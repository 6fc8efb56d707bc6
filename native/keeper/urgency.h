// How soon the scheduler runs this process.
#pragma once

namespace keeper {

// SCHED_FIFO with the lowest priority, and not for children; without CAP_SYS_NICE it has no effect.
void run_urgently();
void run_normally();

}  // namespace keeper
