// The command line. option_table.cc has the table of options.
#pragma once

#include <sys/ioctl.h>
#include <sys/types.h>

#include "message.h"

namespace init {

struct Options {
  const char* console_socket = nullptr;
  int console_socket_fd = -1;
  const char* name = "/dev/ptmx";  // as runc names it
  bool has_size = false;
  winsize size{};
  const char* ptmx = nullptr;
  bool mount_console = false;
  bool has_owner = false;
  uid_t owner = 0;
  bool has_user = false;
  uid_t user = 0;
  gid_t user_group = 0;
  int ready_fd = -1;
  int wait_fd = -1;
  unsigned timeout_ms = 0;
  bool init = false;
  bool subreaper = false;
  bool to_group = false;
  int pdeathsig = 0;
  bool verbose = false;
  char** command = nullptr;  // ends with a null pointer, as execve(2) wants it
};

enum class Request { kRun, kHelp, kVersion, kInvalid };

// For kInvalid `problem` has the reason. The options point into `argv`.
Request parse_options(int argc, char** argv, Options* options, Message* problem);

// False when standard output could not be written.
bool print_help();
bool print_version();

}  // namespace init
