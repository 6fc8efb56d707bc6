// libFuzzer's target for foreign input of console-init: its arguments, the text that it quotes, the receiver's address.
// The first byte of an input says which.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/unique_fd.h"
#include "../init/console_socket.h"
#include "../init/message.h"
#include "../init/options.h"

namespace {

constexpr size_t kMaxArguments = 32;

void expect(bool good, const char* what) {
  if (good) return;
  (void)fprintf(stderr, "expected %s\n", what);
  abort();
}

// write_line writes one line without control characters, whatever the message quotes.
void check_line(const init::Message& message) {
  static int ends[2] = {-1, -1};
  if (ends[0] == -1) expect(pipe(ends) == 0, "a pipe");
  message.write_line(ends[1]);
  char line[4096];
  ssize_t length = read(ends[0], line, sizeof(line));
  expect(length > 1 && line[length - 1] == '\n', "a line");
  for (ssize_t i = 0; i < length - 1; i++) {
    expect(static_cast<unsigned char>(line[i]) >= 0x20 && line[i] != 0x7f, "no control character");
  }
}

// The input's NUL-terminated pieces are the arguments after the program's name.
void parse_arguments(char* text, size_t length) {
  char program[] = "console-init";
  char* argv[kMaxArguments + 2] = {program};
  int argc = 1;
  for (char* piece = text; piece < text + length && argc <= static_cast<int>(kMaxArguments);
       piece += strlen(piece) + 1) {
    argv[argc++] = piece;
  }
  init::Options options;
  init::Message problem;
  switch (init::parse_options(argc, argv, &options, &problem)) {
    case init::Request::kInvalid:
      check_line(problem);
      return;
    case init::Request::kRun:
      expect(options.command > argv && options.command < argv + argc, "a command among the arguments");
      expect(options.console_socket != nullptr || options.console_socket_fd >= 0, "a place to send to");
      expect(strlen(options.name) < 4096 && options.name[0] != '\0', "a name that receivers take");
      expect(!options.has_size || (options.size.ws_col > 0 && options.size.ws_row > 0), "a size");
      expect(options.pdeathsig >= 0 && options.pdeathsig <= 64, "a signal");
      return;
    case init::Request::kHelp:
    case init::Request::kVersion:
      return;
  }
}

// Connects to a path below an empty directory, or to an abstract name.
void connect_to(const char* name, size_t length) {
  static bool in_empty_directory = [] {
    char directory[] = "/tmp/fuzz-XXXXXX";
    return mkdtemp(directory) != nullptr && chdir(directory) == 0 && rmdir(directory) == 0;
  }();
  expect(in_empty_directory, "a working directory");
  if (length == 0 || name[0] == '/') return;
  init::Options options;
  options.console_socket = name;
  common::UniqueFd socket;
  init::Message problem;
  expect(!init::open_console_socket(options, &socket, &problem) && !socket.valid(), "no listener there");
  check_line(problem);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name for it
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  size_t length = size - 1;
  // A copy of just this size, so that the sanitizer sees every step beyond it.
  char* input = static_cast<char*>(malloc(length + 1));
  if (input == nullptr) return 0;
  memcpy(input, data + 1, length);
  input[length] = '\0';
  if (data[0] % 3 == 0) {
    parse_arguments(input, length);
  } else if (data[0] % 3 == 1) {
    init::Message message;
    message.set("{} {} {} {}", init::foreign(input, length), length, init::hexadecimal(data[0]), strerror(data[0]));
    check_line(message);
  } else {
    connect_to(input, length);
  }
  free(input);
  return 0;
}
