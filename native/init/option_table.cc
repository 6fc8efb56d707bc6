#include "option_table.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "decimal.h"
#include "signals.h"

namespace init {

namespace {

using common::parse_decimal;

constexpr unsigned kMaxId = 0xfffffffe;  // the next one, (uid_t)-1, means "no id"

const char* end_of(const char* text) {
  return text + strlen(text);
}

// 2 is refused because console-init writes its messages there, which the reader could take for an answer.
bool read_fd(const Option& option, const char* value, int* fd, Message* problem) {
  unsigned number = 0;
  if (parse_decimal(value, end_of(value), INT_MAX, &number) && number != STDERR_FILENO) {
    *fd = static_cast<int>(number);
    return true;
  }
  return refuse(
      problem,
      "{}: expected the number of an inherited descriptor other than 2, got {}; write for example 3, and pass "
      "the descriptor as 3",
      option.name, foreign(value));
}

bool read_name(const char* value, Options* options, Message* problem) {
  constexpr size_t kMaxBytes = 4095;  // runc refuses a name of its MaxNameLen, 4096
  options->name = value;
  size_t length = strlen(value);
  if (length <= kMaxBytes) return true;
  return refuse(problem, "--name: expected at most {} bytes, got {}; shorten it", kMaxBytes, length);
}

bool read_size(const char* value, Options* options, Message* problem) {
  constexpr unsigned kMax = USHRT_MAX;  // struct winsize holds 16 bits each
  const char* separator = strchr(value, 'x');
  unsigned columns = 0;
  unsigned rows = 0;
  bool valid = separator != nullptr && parse_decimal(value, separator, kMax, &columns) &&
               parse_decimal(separator + 1, end_of(value), kMax, &rows) && columns > 0 && rows > 0;
  options->has_size = true;
  options->size.ws_col = static_cast<unsigned short>(columns);
  options->size.ws_row = static_cast<unsigned short>(rows);
  if (valid) return true;
  return refuse(problem, "--size: expected COLSxROWS, each from 1 to 65535, got {}; write for example 80x24",
                foreign(value));
}

bool read_owner(const char* value, Options* options, Message* problem) {
  options->has_owner = true;
  if (parse_decimal(value, end_of(value), kMaxId, &options->owner)) return true;
  return refuse(problem, "--owner: expected the number of a user, got {}; write for example 1000", foreign(value));
}

bool read_user(const char* value, Options* options, Message* problem) {
  options->has_user = true;
  const char* colon = strchr(value, ':');
  if (colon != nullptr && parse_decimal(value, colon, kMaxId, &options->user) &&
      parse_decimal(colon + 1, end_of(value), kMaxId, &options->user_group)) {
    return true;
  }
  return refuse(problem, "--user: expected UID:GID, two numbers, got {}; write for example 1000:1000", foreign(value));
}

// Seconds, down to the millisecond: "10", "0.25".
bool read_timeout(const char* value, Options* options, Message* problem) {
  constexpr unsigned kMaxSeconds = INT_MAX / 1000;  // 24 days: in milliseconds as long as a timer of Node.js can wait
  const char* end = end_of(value);
  const char* point = strchrnul(value, '.');
  unsigned seconds = 0;
  unsigned fraction = 0;
  bool valid = parse_decimal(value, point, kMaxSeconds, &seconds);
  if (*point == '.') {
    valid = valid && end - point <= 4 && parse_decimal(point + 1, end, 999, &fraction);
    for (const char* digit = end; digit < point + 4; digit++) fraction *= 10;
  }
  options->timeout_ms = seconds * 1000 + fraction;
  if (valid && options->timeout_ms > 0 && options->timeout_ms <= INT_MAX) return true;
  return refuse(problem, "--timeout: expected seconds, from 0.001 to 2147483.647, got {}; write for example 10",
                foreign(value));
}

bool read_pdeathsig(const char* value, Options* options, Message* problem) {
  options->pdeathsig = signal_by_name(value);
  if (options->pdeathsig != 0) return true;
  return refuse(problem, "--pdeathsig: expected the name or number of a signal, got {}; write for example KILL",
                foreign(value));
}

}  // namespace

bool apply(const Option& option, const char* value, Options* options, Message* problem) {
  if (option.flag != nullptr) options->*option.flag = true;
  if (option.text != nullptr) options->*option.text = value;
  if (option.fd != nullptr) return read_fd(option, value, &(options->*option.fd), problem);
  return option.read == nullptr || option.read(value, options, problem);
}

const Option kOptions[kOptionCount] = {
    {.name = "--console-socket",
     .value = "PATH",
     .help = "send the terminal to the receiver that listens here; @NAME: an abstract socket",
     .text = &Options::console_socket},
    {.name = "--console-socket-fd",
     .value = "N",
     .help = "send the terminal over this inherited, connected stream socket",
     .fd = &Options::console_socket_fd},
    {.name = "--name", .value = "NAME", .help = "the bytes that go with it; without it /dev/ptmx", .read = read_name},
    {.name = "--size", .value = "COLSxROWS", .help = "the terminal's window size; without it 0x0", .read = read_size},
    {.name = "--ptmx",
     .value = "PATH",
     .help = "open the terminal through this multiplexer instead of /dev/pts/ptmx",
     .text = &Options::ptmx},
    {.name = "--mount-console", .help = "mount the terminal on /dev/console", .flag = &Options::mount_console},
    {.name = "--owner",
     .value = "UID",
     .help = "give the terminal to this user; without it to the one of --user",
     .read = read_owner},
    {.name = "--user",
     .value = "UID:GID",
     .help = "run the command as this user and group, in no other group",
     .read = read_user},
    {.name = "--ready-fd",
     .value = "N",
     .help = "write a byte here once the terminal was sent and taken",
     .fd = &Options::ready_fd},
    {.name = "--wait-fd", .value = "N", .help = "read a byte here before the command runs", .fd = &Options::wait_fd},
    {.name = "--timeout",
     .value = "SECONDS",
     .help = "fail if the command does not run by then; without it never",
     .read = read_timeout},
    {.name = "--init",
     .help = "stay as the command's parent: pass signals on, reap, exit as it does",
     .flag = &Options::init},
    {.name = "--subreaper",
     .help = "with --init: take in orphans where this is not PID 1",
     .flag = &Options::subreaper},
    {.name = "--pdeathsig",
     .value = "SIGNAL",
     .help = "get this signal when the parent process ends",
     .read = read_pdeathsig},
    {.name = "--group",
     .help = "with --init: pass signals on to the command's process group",
     .flag = &Options::to_group},
    {.name = "--verbose", .help = "say each step on standard error", .flag = &Options::verbose},
    {.name = "--help", .help = "print this and exit", .request = Request::kHelp},
    {.name = "--version", .help = "print the version and exit", .request = Request::kVersion},
};

}  // namespace init
