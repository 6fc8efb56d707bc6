// The children of this process: proc(5), /proc/PID/task/TID/children.
#pragma once

#include <sys/types.h>

namespace common {

// Calls `visit` for each child, zombies included. Only this process's own wait(2) removes a child from the list
// meanwhile. False without a list: there is no /proc, or the kernel was built without CONFIG_PROC_CHILDREN.
bool for_each_child(void (*visit)(pid_t child, void* context), void* context);

}  // namespace common
