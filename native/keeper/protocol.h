// The keeper's record protocol, version 1, over Unix stream sockets: one to the reader, one to the reaper.
//
// A record is a Header and `length` bytes of payload, in the host's byte order. The first record in each direction is
// kHello. Records of unknown kinds are skipped. docs/keeper-protocol.md describes each record.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace keeper {

inline constexpr uint64_t kVersion = 1;
inline constexpr uint32_t kMaxPayload = 65536;

// The creator's connections, given to the executable by number.
inline constexpr int kReaderFd = 3;
inline constexpr int kReaperFd = 4;

struct Header {
  uint32_t length = 0;
  uint16_t kind = 0;
  uint16_t zero = 0;
  uint64_t value = 0;
};
static_assert(sizeof(Header) == 16);

// Records that a client sends.
enum ToKeeper : uint16_t {
  kHello = 1,
  kAttach,
  kAck,
  kInput,
  kResize,
  kOnlcr,
  kSignal,
  kHangUp,
  kLeave,
  kSettle,
  kReplace,  // reserved
  kLog,      // reserved
  kStart,
  kAdopt,  // reserved
  kStop,
};

// Records that the keeper sends. kHelloBack, kExit and kError come from both of its processes.
enum FromKeeper : uint16_t {
  kHelloBack = 64,
  kOutput,
  kTyped,
  kLagging,
  kGap,
  kSize,
  kTampered,
  kHungUp,
  kReplacing,  // reserved
  kExit,
  kError,
  kRefused,
  kArrived,
};

// Records that only the reaper sends.
enum FromReaper : uint16_t {
  kStarted = 80,
  kNotStarted,
  kRuntimeOutput,
  kChild,
  kRuntimeEnded,
  kEnded,
};

// kAttach's offsets that are no offsets.
inline constexpr uint64_t kFromNow = UINT64_MAX;
inline constexpr uint64_t kFromTail = UINT64_MAX - 1;

enum AttachFlags : uint32_t { kHold = 1, kNoOutput = 2, kPace = 4 };

struct Attach {
  uint32_t flags = 0;
  uint32_t window = 65536;   // bytes; 0 and more than the ring count as the ring
  uint32_t stall_ms = 2000;  // kNoStallLimit: without a limit
};
inline constexpr uint32_t kNoStallLimit = UINT32_MAX;

// Bytes that a client may send and that kTyped has not confirmed yet.
inline constexpr uint32_t kInputCredit = 65536;

// In place of a wait(2) status: no process that could be waited for was the container's.
inline constexpr uint64_t kStatusUnknown = UINT64_MAX;

enum State : uint32_t { kStarting = 0, kRunning, kDraining, kOver };

// kHelloBack's payload, the same from both processes. What a process does not know is 0.
struct Hello {
  uint64_t head = 0;
  uint64_t tail = 0;
  uint64_t acked = 0;
  uint32_t size = 0;  // as kResize
  uint32_t state = kStarting;
  uint32_t container = 0;  // pid
  uint32_t reader = 0;     // pid; 0: it has ended
  uint32_t reaper = 0;     // pid; 0: it has ended
  uint32_t clients = 0;
};
static_assert(sizeof(Hello) == 48);

// kArrived's payload: the peer that sent the console, and its name, at most kMaxName bytes of it.
struct Arrived {
  int32_t pid = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
};
inline constexpr size_t kMaxName = 255;

// kRefused's value: a number of common::ConsoleRefusal, or one of these.
enum RefusedBecause : uint32_t {
  kReceiveFailed = 64,  // recvmsg(2): the payload's error
  kOtherUser,           // the peer is neither root nor this process's user
  kTooManyRefusals,     // no further connection is accepted
};

// kRefused's payload. What is not known is 0.
struct Refused {
  int32_t error = 0;
  uint32_t mode = 0;
  uint32_t rdev_major = 0;
  uint32_t rdev_minor = 0;
};

// A record's kind, the bounds of its payload, and the process that understands it.
enum Side : uint8_t { kReaderSide = 1, kReaperSide = 2, kBothSides = 3 };

struct Rule {
  uint32_t min_payload;
  uint32_t max_payload;
  uint16_t kind;
  Side side;
  bool reserved;
};

inline constexpr Rule kRules[] = {
    {0, 64, kHello, kBothSides, false},
    {sizeof(Attach), 64, kAttach, kReaderSide, false},
    {0, 0, kAck, kReaderSide, false},
    {0, kMaxPayload, kInput, kReaderSide, false},
    {0, 0, kResize, kReaderSide, false},
    {0, 0, kOnlcr, kReaderSide, false},
    {0, 0, kSignal, kBothSides, false},
    {0, 0, kHangUp, kReaderSide, false},
    {0, 0, kLeave, kBothSides, false},
    {0, 0, kSettle, kReaderSide, false},
    {0, kMaxPayload, kReplace, kReaperSide, true},
    {0, kMaxPayload, kLog, kReaperSide, true},
    {0, kMaxPayload, kStart, kReaperSide, false},
    {0, kMaxPayload, kAdopt, kReaderSide, true},
    {0, 0, kStop, kReaperSide, false},
};

// Not a member of the table: unknown kinds are skipped, whatever their length is.
constexpr const Rule* rule_of(uint16_t kind) {
  for (const Rule& rule : kRules) {
    if (rule.kind == kind) return &rule;
  }
  return nullptr;
}

// Whether the table has each kind once, in the order of its number.
constexpr bool is_complete() {
  uint16_t kind = kHello;
  for (const Rule& rule : kRules) {
    if (rule.kind != kind++ || rule.max_payload > kMaxPayload || rule.min_payload > rule.max_payload) return false;
  }
  return kind == kStop + 1;
}
static_assert(is_complete());

}  // namespace keeper
