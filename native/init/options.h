// The command line. One table names the options, their values, their help and what reads them.
#pragma once

#include <sys/ioctl.h>

#include "message.h"

namespace init {

struct Options {
  const char* console_socket = nullptr;
  int console_socket_fd = -1;
  bool has_size = false;
  winsize size{};
  const char* ptmx = nullptr;
  char** command = nullptr;  // ends with a null pointer, as execve(2) wants it
};

enum class Request { kRun, kHelp, kVersion, kInvalid };

// For kInvalid `problem` says why. The options point into `argv`.
Request parse_options(int argc, char** argv, Options* options, Message* problem);

// False when standard output could not take it.
bool print_help();
bool print_version();

}  // namespace init
