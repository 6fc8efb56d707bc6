// One client of the reader: what it has asked for, and what it is to be told.
//
// Every record to a client but kOutput and kGap is a state. It is kept as a flag, and the newest counts, so a client
// that does not read makes nothing grow.
#pragma once

#include <stdint.h>

#include "client_socket.h"
#include "clock.h"
#include "input_queue.h"
#include "outbox.h"
#include "protocol.h"
#include "record_reader.h"
#include "unique_fd.h"

namespace keeper {

// In the order in which they are told. What follows the output of a client is not here.
enum Due : uint32_t {
  kDueHello = 1,
  kDueTyped = 2,
  kDueArrived = 4,
  kDueSize = 8,
  kDueRefused = 16,
  kDueTampered = 32,
  kDueLagging = 64,
  kDueError = 128,
  kDueHungUp = 256,  // after the output
};

// How long a client that broke the rules is listened to, so that what it still sends does not reset its socket before
// it has read why.
inline constexpr uint64_t kClosingMs = 1000;

// What goes with the client. Plain, so that a place is made new by assignment.
struct ClientState {
  uint32_t number = 0;
  bool creator = false;
  uint64_t version = 0;  // of its kHello; 0 before it
  RecordReader records;

  bool attached = false;
  uint32_t flags = 0;
  uint64_t acked = 0;
  uint64_t window = 0;
  uint32_t stall_ms = 0;
  bool lagging = false;
  uint64_t held_since = kNever;  // since when it holds the reading back without acknowledging half a window
  uint64_t held_ack = 0;         // what it had acknowledged then

  uint32_t due = 0;
  int error = 0;
  const char* error_text = "";
  bool closing = false;        // nothing is told any more but the error, and what comes is thrown away
  uint64_t close_at = kNever;  // at the latest, when it is closing
  bool waits_for_room = false;
  bool exit_told = false;
};

struct Client : ClientState {
  common::UniqueFd socket;
  InputQueue input;
  Outbox out;

  bool used() const { return socket.valid(); }
  bool gets_output() const { return attached && (flags & kNoOutput) == 0; }
  bool paces() const { return attached && !lagging && !closing && (flags & kPace) != 0; }
  bool holds() const { return attached && (flags & kHold) != 0; }

  // Tells an error; with `close` nothing after it.
  void fail(int number_of_error, const char* text, bool close) {
    error = number_of_error;
    error_text = text;
    if (close && !closing) {
      closing = true;
      close_at = now_ms() + kClosingMs;
    }
    due |= kDueError;
  }

  // The place is free. The socket is closed.
  void clear() {
    end_connection(&socket);
    input.clear();
    out.clear();
    static_cast<ClientState&>(*this) = ClientState{};
  }
};

}  // namespace keeper
