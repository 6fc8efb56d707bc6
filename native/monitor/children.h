// Whom this process has as children, proc(5) /proc/PID/task/TID/children.
#pragma once

#include <sys/types.h>

namespace monitor {

// Calls `visit` for each, those that have ended and were not waited for included. Nobody leaves the list meanwhile but
// through this process's own wait(2). Without /proc there is none.
void for_each_child(void (*visit)(pid_t child, void* context), void* context);

}  // namespace monitor
