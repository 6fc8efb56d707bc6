#include "option_table.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "signals.h"

namespace init {

namespace {

using common::parse_decimal;

constexpr unsigned kIdLimit = 0xfffffffe;  // one more, (uid_t)-1, stands for none

const char* end_of(const char* text) {
  return text + strlen(text);
}

bool refuse(const char* expected, const char* value, const char* example, Message* problem) {
  problem->add(expected).add(", got ").quote(value).add("; write for example ").add(example);
  return false;
}

// 2 is where this program's own messages go; whoever reads the descriptor would take one for an answer.
bool read_fd(const char* option, const char* value, int* fd, Message* problem) {
  unsigned number = 0;
  if (parse_decimal(value, end_of(value), INT_MAX, &number) && number != STDERR_FILENO) {
    *fd = static_cast<int>(number);
    return true;
  }
  problem->add(option).add(": expected the number of an inherited descriptor other than 2, got ").quote(value);
  problem->add("; pass it as descriptor 3, say, and give 3");
  return false;
}

bool read_console_socket(const char* value, Options* options, Message*) {
  options->console_socket = value;
  return true;
}

bool read_console_socket_fd(const char* value, Options* options, Message* problem) {
  return read_fd("--console-socket-fd", value, &options->console_socket_fd, problem);
}

bool read_name(const char* value, Options* options, Message* problem) {
  constexpr size_t kLimit = 4096;  // runc's MaxNameLen: a receiver of its kind refuses such a name
  if (strlen(value) >= kLimit) {
    problem->add("--name: expected fewer than 4096 bytes, got ").number(strlen(value)).add("; shorten it");
    return false;
  }
  options->name = value;
  return true;
}

bool read_size(const char* value, Options* options, Message* problem) {
  constexpr unsigned kLimit = USHRT_MAX;  // struct winsize holds 16 bits each
  const char* separator = strchr(value, 'x');
  unsigned columns = 0;
  unsigned rows = 0;
  bool valid = separator != nullptr && parse_decimal(value, separator, kLimit, &columns) &&
               parse_decimal(separator + 1, end_of(value), kLimit, &rows) && columns > 0 && rows > 0;
  if (!valid) return refuse("--size: expected COLSxROWS, each from 1 to 65535", value, "80x24", problem);
  options->has_size = true;
  options->size.ws_col = static_cast<unsigned short>(columns);
  options->size.ws_row = static_cast<unsigned short>(rows);
  return true;
}

bool read_ptmx(const char* value, Options* options, Message*) {
  options->ptmx = value;
  return true;
}

bool read_mount_console(const char*, Options* options, Message*) {
  options->mount_console = true;
  return true;
}

bool read_owner(const char* value, Options* options, Message* problem) {
  options->has_owner = true;
  if (parse_decimal(value, end_of(value), kIdLimit, &options->owner)) return true;
  return refuse("--owner: expected a user's number", value, "1000", problem);
}

bool read_user(const char* value, Options* options, Message* problem) {
  options->has_user = true;
  const char* colon = strchr(value, ':');
  if (colon != nullptr && parse_decimal(value, colon, kIdLimit, &options->user) &&
      parse_decimal(colon + 1, end_of(value), kIdLimit, &options->user_group)) {
    return true;
  }
  return refuse("--user: expected UID:GID, two numbers", value, "1000:1000", problem);
}

bool read_ready_fd(const char* value, Options* options, Message* problem) {
  return read_fd("--ready-fd", value, &options->ready_fd, problem);
}

bool read_wait_fd(const char* value, Options* options, Message* problem) {
  return read_fd("--wait-fd", value, &options->wait_fd, problem);
}

// Seconds, down to the millisecond: "10", "0.25".
bool read_timeout(const char* value, Options* options, Message* problem) {
  constexpr unsigned kLimit = INT_MAX / 1000;  // 24 days: in milliseconds as long as a timer of Node.js can wait
  const char* end = end_of(value);
  const char* point = strchrnul(value, '.');
  unsigned seconds = 0;
  unsigned fraction = 0;
  bool valid = parse_decimal(value, point, kLimit, &seconds);
  if (*point == '.') {
    valid = valid && end - point <= 4 && parse_decimal(point + 1, end, 999, &fraction);
    for (const char* digit = end; digit < point + 4; digit++) fraction *= 10;
  }
  options->timeout_ms = seconds * 1000 + fraction;
  if (valid && options->timeout_ms > 0 && options->timeout_ms <= INT_MAX) return true;
  return refuse("--timeout: expected seconds, from 0.001 to 2147483.647", value, "10", problem);
}

bool read_init(const char*, Options* options, Message*) {
  options->init = true;
  return true;
}

bool read_subreaper(const char*, Options* options, Message*) {
  options->subreaper = true;
  return true;
}

bool read_pdeathsig(const char* value, Options* options, Message* problem) {
  options->pdeathsig = signal_by_name(value);
  if (options->pdeathsig != 0) return true;
  return refuse("--pdeathsig: expected a signal's name or number", value, "KILL", problem);
}

bool read_group(const char*, Options* options, Message*) {
  options->to_group = true;
  return true;
}

bool read_verbose(const char*, Options* options, Message*) {
  options->verbose = true;
  return true;
}

}  // namespace

const Option kOptions[kOptionCount] = {
    {"--console-socket", "PATH", read_console_socket, Request::kRun,
     "send the terminal to the receiver that listens here; @NAME: an abstract socket"},
    {"--console-socket-fd", "N", read_console_socket_fd, Request::kRun,
     "send the terminal over this inherited, connected stream socket"},
    {"--name", "NAME", read_name, Request::kRun, "the bytes that go with it; without it /dev/ptmx"},
    {"--size", "COLSxROWS", read_size, Request::kRun, "the terminal's window size; without it 0x0"},
    {"--ptmx", "PATH", read_ptmx, Request::kRun, "open the terminal through this multiplexer instead of /dev/pts/ptmx"},
    {"--mount-console", nullptr, read_mount_console, Request::kRun, "mount the terminal on /dev/console"},
    {"--owner", "UID", read_owner, Request::kRun, "give the terminal to this user; without it to the one of --user"},
    {"--user", "UID:GID", read_user, Request::kRun, "run the command as this user and group, in no other group"},
    {"--ready-fd", "N", read_ready_fd, Request::kRun, "write a byte here once the terminal was sent and taken"},
    {"--wait-fd", "N", read_wait_fd, Request::kRun, "read a byte here before the command runs"},
    {"--timeout", "SECONDS", read_timeout, Request::kRun, "fail if the command does not run by then; without it never"},
    {"--init", nullptr, read_init, Request::kRun,
     "stay as the command's parent: pass signals on, reap, exit as it does"},
    {"--subreaper", nullptr, read_subreaper, Request::kRun, "with --init: take in orphans where this is not PID 1"},
    {"--pdeathsig", "SIGNAL", read_pdeathsig, Request::kRun, "get this signal when the parent process ends"},
    {"--group", nullptr, read_group, Request::kRun, "with --init: pass signals on to the command's process group"},
    {"--verbose", nullptr, read_verbose, Request::kRun, "say each step on standard error"},
    {"--help", nullptr, nullptr, Request::kHelp, "print this and exit"},
    {"--version", nullptr, nullptr, Request::kVersion, "print the version and exit"},
};

}  // namespace init
