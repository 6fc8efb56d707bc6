// Judges whether a descriptor is the master of a terminal that can be used as a console, and sets what its program may
// ask for as soon as it runs. A sender can make the descriptor anything.
//
// The order matters. statx(2) with AT_STATX_DONT_SYNC comes first: fstat and every ioctl on a file of a FUSE mount wait
// for its daemon. No ioctl is made on anything but a character device 5:2. The terminal's name (ptsname) is not asked
// for: it belongs to another mount namespace.
#pragma once

#include <stdint.h>

#include "file_identity.h"

namespace common {

// Why a console was refused. ConsoleRefusal of binding/console.ts mirrors the enum, and a test compares them.
enum class ConsoleRefusal : uint32_t {
  kNone,
  // The message: receive_console.h.
  kEnd,          // the peer closed the connection without a message
  kNoFile,       // a message without a descriptor
  kManyFiles,    // more than one descriptor
  kNameTooLong,  // kMaxConsoleName bytes or more
  kTruncated,    // the kernel dropped descriptors (MSG_CTRUNC): this process may have no number left
  // The descriptor.
  kUnknownFile,     // neither statx(2) nor /proc tell what it is: `error` of statx
  kOtherFile,       // not a ptmx: `seen`, which has no mode where statx(2) is refused
  kOneWay,          // a ptmx that is not open for reading and writing
  kSilent,          // a ptmx that does not answer as a master: `error`
  kPacketMode,      // packet mode is on
  kLineDiscipline,  // the line discipline is not N_TTY
  // A setting: `error`.
  kSize,
  kOnlcr,
};

enum class Onlcr : uint8_t { kKeep, kOff, kOn };

struct ConsoleSettings {
  // 0: the size stays as it is.
  uint16_t columns = 0;
  uint16_t rows = 0;
  // Set the size only where none is set: 0x0, as terminals begin.
  bool only_without_size = false;
  Onlcr onlcr = Onlcr::kKeep;
};

struct ConsoleVerdict {
  ConsoleRefusal refusal = ConsoleRefusal::kNone;
  int error = 0;  // errno, or 0 where no call failed
  FileIdentity seen{};
  // The size that the terminal has now.
  uint16_t columns = 0;
  uint16_t rows = 0;
};

// Borrows the descriptor.
ConsoleVerdict judge_console(int fd, const ConsoleSettings& settings);

// ONLCR in c_oflag, termios(3). False with errno set. The kernel takes settings as a whole: a change that the program
// makes in between, such as raw mode, is undone. So nothing is set when ONLCR is right already.
bool set_onlcr(int fd, bool on);

}  // namespace common
