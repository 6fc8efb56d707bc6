// libFuzzer's target for what console-monitor receives: any bytes, in any pieces, with any number of descriptors. Each
// receive gives a record of protocol.h or the end of file, and no descriptor stays open but the one that it returns.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../common/control_message.h"
#include "../common/unique_fd.h"
#include "../monitor/control.h"
#include "../monitor/protocol.h"

namespace {

using monitor::Control;

constexpr size_t kMaxPieces = 8;

void expect(bool good, const char* what) {
  if (good) return;
  (void)fprintf(stderr, "expected %s\n", what);
  abort();
}

// The kernel gives the lowest free number, so it is the same again unless a descriptor stays open.
int lowest_free() {
  common::UniqueFd probe(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  return probe.get();
}

void receive(Control* control, bool whole) {
  monitor::Record record;
  common::UniqueFd passed;
  switch (control->receive(&record, &passed)) {
    case Control::Received::kRecord:
      expect(whole, "a record where twelve bytes came");
      return;
    case Control::Received::kEnd:
      expect(control->fd() == -1, "a closed socket");
      return;
    case Control::Received::kNothing:
      expect(!passed.valid(), "no descriptor without a record");
  }
}

// Each piece begins with two bytes: the number of its descriptors, and its length.
void converse(const uint8_t* data, size_t size) {
  int ends[2];
  expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "a pair");
  common::UniqueFd library(ends[0]);
  Control control;
  expect(control.adopt(ends[1]), "a socket");
  for (size_t pieces = 0; pieces < kMaxPieces && size >= 2 && control.fd() != -1; pieces++) {
    size_t fd_count = data[0] % 4;
    size_t length = data[1] % 16;
    if (length > size - 2) length = size - 2;
    const int fds[] = {STDIN_FILENO, STDIN_FILENO, STDIN_FILENO};
    if (length > 0) {
      ssize_t sent = common::send_message(library.get(), data + 2, length, fds, fd_count, 0);
      expect(sent == static_cast<ssize_t>(length), "a short message to be taken");
    }
    receive(&control, length >= sizeof(monitor::Record));
    // The rest of a long piece is the beginning of a record: the next call finds the end there.
    if (length > sizeof(monitor::Record) && control.fd() != -1) receive(&control, false);
    data += 2 + length;
    size -= 2 + length;
  }
  library.reset();
  while (control.fd() != -1) receive(&control, false);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name for it
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  int before = lowest_free();
  converse(data, size);
  expect(lowest_free() == before, "every descriptor closed");
  return 0;
}
