#include "options.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

namespace init {

namespace {

// `name` is how the option was written, for messages.
using Reader = bool (*)(const char* value, Options* options, Message* problem);

struct Option {
  const char* name;
  const char* value;  // what the value is called; null: the option takes none
  Reader read;
  Request request;  // what an option without a value asks for
  const char* help;
};

bool read_console_socket(const char* value, Options* options, Message*) {
  options->console_socket = value;
  return true;
}

bool read_console_socket_fd(const char* value, Options* options, Message* problem) {
  unsigned number = 0;
  // 2 is where this program's own messages go; the receiver would take one for the console's name.
  if (!core::parse_decimal(value, value + strlen(value), INT_MAX, &number) || number == STDERR_FILENO) {
    problem->add("--console-socket-fd: expected the number of an inherited descriptor other than 2, got ").quote(value);
    problem->add("; pass the connected socket as descriptor 3, say, and give 3");
    return false;
  }
  options->console_socket_fd = static_cast<int>(number);
  return true;
}

bool read_size(const char* value, Options* options, Message* problem) {
  constexpr unsigned kLimit = USHRT_MAX;  // struct winsize holds 16 bits each
  const char* end = value + strlen(value);
  const char* separator = strchr(value, 'x');
  unsigned columns = 0;
  unsigned rows = 0;
  bool valid = separator != nullptr && core::parse_decimal(value, separator, kLimit, &columns) &&
               core::parse_decimal(separator + 1, end, kLimit, &rows) && columns > 0 && rows > 0;
  if (!valid) {
    problem->add("--size: expected COLSxROWS, each from 1 to 65535, got ")
        .quote(value)
        .add("; write for example 80x24");
    return false;
  }
  options->has_size = true;
  options->size.ws_col = static_cast<unsigned short>(columns);
  options->size.ws_row = static_cast<unsigned short>(rows);
  return true;
}

bool read_ptmx(const char* value, Options* options, Message*) {
  options->ptmx = value;
  return true;
}

constexpr Option kOptions[] = {
    {"--console-socket", "PATH", read_console_socket, Request::kRun,
     "send the terminal to the receiver that listens here; @NAME: an abstract socket"},
    {"--console-socket-fd", "N", read_console_socket_fd, Request::kRun,
     "send the terminal over this inherited, connected stream socket"},
    {"--size", "COLSxROWS", read_size, Request::kRun, "the terminal's window size; without it 0x0"},
    {"--ptmx", "PATH", read_ptmx, Request::kRun, "open the terminal through this multiplexer instead of /dev/pts/ptmx"},
    {"--help", nullptr, nullptr, Request::kHelp, "print this and exit"},
    {"--version", nullptr, nullptr, Request::kVersion, "print the version and exit"},
};
constexpr size_t kOptionCount = sizeof(kOptions) / sizeof(kOptions[0]);

const Option* find_option(const char* name, size_t length) {
  for (const Option& option : kOptions) {
    if (strlen(option.name) == length && memcmp(option.name, name, length) == 0) return &option;
  }
  return nullptr;
}

// Walks the arguments in front of the command.
class Arguments {
 public:
  Arguments(int argc, char** argv) : next_(argc > 0 ? argv + 1 : argv) {}

  Request read(Options* options, Message* problem) {
    while (*next_ != nullptr && (*next_)[0] == '-' && (*next_)[1] != '\0') {
      if (strcmp(*next_, "--") == 0) {
        next_++;
        break;
      }
      Request request = read_option(options, problem);
      if (request != Request::kRun) return request;
    }
    options->command = next_;
    return Request::kRun;
  }

 private:
  Request read_option(Options* options, Message* problem) {
    const char* argument = *next_++;
    const char* equals = strchr(argument, '=');
    size_t length = equals != nullptr ? static_cast<size_t>(equals - argument) : strlen(argument);
    const Option* option = find_option(argument, length);
    if (option == nullptr) {
      problem->add("expected an option or a command, got the unknown option ").quote(argument, length);
      problem->add("; console-init --help lists the options");
      return Request::kInvalid;
    }
    bool* seen = &seen_[option - kOptions];
    if (*seen) {
      problem->add(option->name).add(": expected once, given twice; remove one");
      return Request::kInvalid;
    }
    *seen = true;
    if (option->value == nullptr) {
      if (equals == nullptr) return option->request;
      problem->add(option->name).add(": expected no value, got ").quote(equals + 1).add("; remove it");
      return Request::kInvalid;
    }
    const char* value = equals != nullptr ? equals + 1 : take_value(option, problem);
    if (value == nullptr) return Request::kInvalid;
    if (value[0] == '\0') {
      problem->add(option->name).add(": expected ").add(option->value).add(", got an empty value; give one");
      return Request::kInvalid;
    }
    return option->read(value, options, problem) ? Request::kRun : Request::kInvalid;
  }

  // What looks like the next option is taken for a forgotten value; --option=value can say anything.
  const char* take_value(const Option* option, Message* problem) {
    const char* value = *next_;
    if (value != nullptr && value[0] != '-') {
      next_++;
      return value;
    }
    problem->add(option->name).add(": expected ").add(option->value).add(" behind it, got ");
    if (value == nullptr) {
      problem->add("the end of the arguments; give it");
    } else {
      problem->quote(value).add("; give it, if need be as ").add(option->name).add("=").add(option->value);
    }
    return nullptr;
  }

  char** next_;
  bool seen_[kOptionCount] = {};
};

bool check_together(const Options& options, Message* problem) {
  bool by_path = options.console_socket != nullptr;
  bool by_fd = options.console_socket_fd != -1;
  if (by_path && by_fd) {
    problem->add("expected one of --console-socket and --console-socket-fd, got both; remove one");
    return false;
  }
  if (!by_path && !by_fd) {
    problem->add("expected --console-socket PATH or --console-socket-fd N, got neither; say where the terminal goes");
    return false;
  }
  if (*options.command == nullptr) {
    problem->add("expected a command behind the options, got none; add it, for example -- /bin/sh");
    return false;
  }
  return true;
}

bool print(const char* text) {
  return write_text(STDOUT_FILENO, text, strlen(text));
}

}  // namespace

Request parse_options(int argc, char** argv, Options* options, Message* problem) {
  Request request = Arguments(argc, argv).read(options, problem);
  if (request != Request::kRun) return request;
  return check_together(*options, problem) ? Request::kRun : Request::kInvalid;
}

bool print_version() {
  return print("console-init " CONSOLE_INIT_VERSION "\n");
}

bool print_help() {
  bool printed = print(
      "usage: console-init --console-socket PATH|--console-socket-fd N [OPTION]... [--] COMMAND [ARGUMENT]...\n"
      "Open a terminal, send its ptmx (\"master\") over a Unix stream socket, and become COMMAND on that "
      "terminal.\n\n");
  constexpr size_t kColumn = 26;
  for (const Option& option : kOptions) {
    printed = printed && print("  ") && print(option.name);
    size_t used = strlen(option.name);
    if (option.value != nullptr) {
      printed = printed && print(" ") && print(option.value);
      used += 1 + strlen(option.value);
    }
    for (; printed && used < kColumn; used++) printed = print(" ");
    printed = printed && print("  ") && print(option.help) && print("\n");
  }
  return printed && print(
                        "\nExit status: the command's; 125 when console-init itself failed, 126 when the command could "
                        "not be run,\n"
                        "127 when it was not found.\n");
}

}  // namespace init
