// Descriptors that this process was started with and does not know: the pipe of a command substitution, a test
// runner's descriptor 3. Kept open, they would make their readers wait for as long as the container runs.
#pragma once

#include <stddef.h>

namespace keeper {

// Closes every descriptor above 2 but those in `kept`, which it sorts; -1 in it counts for nothing.
void close_all_but(int* kept, size_t count);

// Makes 0, 1 and 2 /dev/null.
void leave_standard_streams();

}  // namespace keeper
