// The parent that stands in for the command where the command could not keep this process's id: signals go on to it,
// and its end becomes this process's own. SIGKILL and SIGSTOP cannot be passed on; a stop from the keyboard is, and the
// command, whose session has another terminal, ignores it.
#pragma once

namespace init {

// Returns true in a new child. The parent does not return: it closes all but its standard descriptors, so that it holds
// neither side of the terminal, and exits as the child does. False, with errno set, when there is no child.
bool continue_in_child();

}  // namespace init
