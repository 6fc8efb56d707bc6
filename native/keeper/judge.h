// Receives one console: one message with one PTY master.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "protocol.h"
#include "unique_fd.h"

namespace keeper {

// Why a message was refused. The numbers are part of the protocol (kRefused).
enum class Refusal : uint32_t {
  kNone,
  kEnd,          // the peer closed the connection without a console
  kFailed,       // recvmsg(2) failed
  kNoFile,       // a message without a descriptor
  kManyFiles,    // more than one descriptor
  kNameTooLong,  // a name that did not fit
  kNotAPty,      // not a PTY master that is open for reading and writing
  kTampered,     // packet mode or a foreign line discipline
  kUid,          // the peer is neither root nor this process's user
  kTooMany,      // too many refusals: no further connection is accepted
};

struct Wanted {
  uint16_t columns = 0;  // 0: as it is
  uint16_t rows = 0;
  int onlcr = -1;  // 0 off, 1 on, -1 as it is
};

struct Console {
  common::UniqueFd master;
  char name[kMaxName];
  size_t name_length = 0;
};

enum class Receipt : uint8_t { kNothing, kConsole, kRefused };

// One message from `connection`, without waiting. The window size and ONLCR are set in the same call, because the
// program may ask for them as soon as it runs. The descriptors of a refused message stay open, and nobody has them:
// their close could wait.
Receipt receive_console(int connection, const Wanted& wanted, Console* console, Refusal* refusal);

}  // namespace keeper
