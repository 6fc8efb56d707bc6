// close(2) of a number that this process owns. A standard descriptor (0, 1, 2) is replaced by /dev/null: otherwise the
// next file that any part of the process opens would become its standard input or output, and that of its children.
#pragma once

namespace addon {

// As close(2). Where /dev/null cannot be opened (no such file, the limit of open files), the number becomes free.
int close_number(int fd);

}  // namespace addon
