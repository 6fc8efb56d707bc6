// The conversation with the library, over a Unix stream socket that is descriptor 3 here. Records of three 32-bit
// integers in the host's order; launch-protocol.ts of console-socket is the other side.
//
// To the library:
//   kStarted       pid           the runtime command runs
//   kNotStarted    errno         it could not be run; the monitor leaves
//   kOutput        length        what it printed: that many bytes follow
//   kChild         pid           a process that it left behind, which is the monitor's child now; may be told again
//   kRuntimeEnded  pid, status   the end of it, as wait(2) has it; behind everything it printed and left
//   kEnded         pid, status   the end of a process that it left behind; behind what that has left in its turn
//   end of file                  the monitor has left: it has no children any more, or was killed
//
// To the monitor:
//   kSignal        number        to the runtime command, if it still runs
//   kHold          -             a ptmx comes with the record: read it and throw away what it shows until the end
//   end of file                  nobody listens any more; the monitor stays until its children have ended
#pragma once

#include <stdint.h>

namespace monitor {

inline constexpr int kControlFd = 3;

enum ToLibrary : int32_t { kStarted = 1, kNotStarted, kOutput, kChild, kRuntimeEnded, kEnded };
enum ToMonitor : int32_t { kSignal = 1, kHold };

struct Record {
  int32_t kind = 0;
  int32_t subject = 0;  // a pid, an errno, a length, a signal
  int32_t status = 0;
};

}  // namespace monitor
