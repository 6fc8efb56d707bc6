// Receives a console: one message, its data a name, with exactly one descriptor, the master of a terminal. The window
// size and ONLCR are set in the same call, because the program may ask for them as soon as it runs.
#pragma once

#include "control_message.h"
#include "judge_console.h"

namespace common {

// runc's MaxNameLen: a name of this many bytes is refused.
inline constexpr size_t kMaxConsoleName = 4096;

struct ReceivedConsole {
  // `control.fds[0]` is the master where `verdict.refusal` is kNone.
  ConsoleVerdict verdict;
  ControlData control;
  size_t name_length = 0;
  char name[kMaxConsoleName];  // untrusted, and not terminated
};

enum class WhenFull : uint8_t {
  kLose,              // at RLIMIT_NOFILE the kernel drops the descriptor: kTruncated
  kKeep,              // the message stays in the socket, and the call fails with EMFILE. Costs a second call.
  kKeepWhileClosing,  // the same, while other threads of the process are closing descriptors
};

// Takes one message from a connection, which is borrowed, without waiting. False with errno set when recvmsg(2) failed:
// EAGAIN, EMFILE, ECONNRESET …
//
// All descriptors in `console->control` are the caller's, also those of a refused message and of a failed call. Their
// close could wait.
bool receive_console(int connection, const ConsoleSettings& settings, WhenFull when_full, ReceivedConsole* console);

}  // namespace common
