// The protocol with the library, over a Unix stream socket that is descriptor 3 here: records of three 32-bit integers
// in the host's order. launch-protocol.ts of console-socket is the other side. binding/monitor-protocol.ts mirrors the
// numbers, and a test compares them.
//
// To the library:
//   kStarted       pid           the runtime command runs
//   kNotStarted    errno         the command could not be run; the monitor exits
//   kOutput        length        the command printed that many bytes, which follow
//   kChild         pid           a process that the command left, now the monitor's child; may be sent more than once
//   kRuntimeEnded  pid, status   the command's wait(2) status; sent after all its output and its children
//   kEnded         pid, status   the wait(2) status of such a child; sent after the children that it left
//   end of file                  the monitor has exited: it has no children any more, or was killed
//
// To the monitor:
//   kSignal        number        signal for the runtime command, if it still runs
//   kHold          -             carries a PTY master: read and discard its output until it ends
//   end of file                  the library is gone; the monitor stays until its children have ended
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
