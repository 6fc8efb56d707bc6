// What kStart says: the command, and how its console is kept.
//
// The record's body is a StartHeader and NUL-terminated strings: the working directory, the console socket's path, the
// pid file's path (each may be empty), the arguments, the environment. It comes in one or more kStart records, whose
// value is the number of bytes that are still to come after them. The descriptors that the flags name come with the
// first of them, in the order of their flags.
#pragma once

#include <stdint.h>

#include "judge_console.h"
#include "pages.h"
#include "unique_fd.h"

namespace keeper {

enum StartFlags : uint32_t {
  kStdin = 1,            // with a descriptor: the command's standard input
  kConsoleListener = 2,  // with a descriptor: the listening socket that the runtime connects to
  kReaderListener = 4,   // with a descriptor: the listening socket for further clients of the reader
  kReaperListener = 8,   // with a descriptor: the listening socket for further clients of the reaper
  kKept = 16,            // the console outlives its creator
  kWhenFullWait = 32,    // reading stops when the ring is full of what no holder has acknowledged
  kSetOnlcr = 64,        // ONLCR is set to kOnlcrOn when the console arrives
  kOnlcrOn = 128,
  kRemoveDirectory = 256,  // the console socket's directory is removed with it
  kOnlyWithoutSize = 512,  // the size is set only where the terminal has none
};
inline constexpr uint32_t kStartDescriptors = kStdin | kConsoleListener | kReaderListener | kReaperListener;
inline constexpr uint32_t kStartFlags = 1023;

struct StartHeader {
  uint32_t size = 0;  // of this header; a longer one is of a later version, and its end is skipped
  uint32_t flags = 0;
  uint32_t ring_bytes = 0;  // 0: 256 KiB
  uint16_t columns = 0;     // 0: the size is left as it is
  uint16_t rows = 0;
  uint32_t drain_ms = 1000;
  uint32_t linger_ms = 10000;
  uint32_t argument_count = 0;
  uint32_t variable_count = 0;
};
static_assert(sizeof(StartHeader) == 32);

inline constexpr size_t kMaxStart = 4194304;

// Its strings lie in `body`, its arrays in `arrays`.
struct Start {
  StartHeader options;
  common::ConsoleSettings settings;
  const char* directory = "";
  const char* console_path = "";
  const char* pid_file = "";
  char** arguments = nullptr;
  char** variables = nullptr;
  common::UniqueFd input;
  common::UniqueFd console_listener;
  common::UniqueFd reader_listener;
  common::UniqueFd reaper_listener;
  Pages body;
  Pages arrays;

  bool has(StartFlags flag) const { return (options.flags & flag) != 0; }
};

// Reads `body`, of `length` bytes, into the rest of `start`. Returns 0, or the errno with `*problem` as its text.
int parse_start(Start* start, size_t length, const char** problem);

// Gives `start` the descriptors that its flags name. Returns 0, or an errno.
int take_descriptors(Start* start, const int* fds, size_t count);

}  // namespace keeper
