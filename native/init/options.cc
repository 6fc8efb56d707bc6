#include "options.h"

#include <string.h>
#include <unistd.h>

#include "option_table.h"

namespace init {

namespace {

const Option* find_option(const char* name, size_t length) {
  for (const Option& option : kOptions) {
    if (strlen(option.name) == length && memcmp(option.name, name, length) == 0) return &option;
  }
  return nullptr;
}

// Reads the arguments before the command.
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
      refuse(problem,
             "expected an option or a command, got the unknown option {}; console-init --help lists the options",
             foreign(argument, length));
      return Request::kInvalid;
    }
    bool read =
        is_first(*option, problem) && read_value(*option, equals != nullptr ? equals + 1 : nullptr, options, problem);
    return read ? option->request : Request::kInvalid;
  }

  bool is_first(const Option& option, Message* problem) {
    bool* given = &given_[&option - kOptions];
    if (*given) return refuse(problem, "{}: expected once, got it twice; remove one", option.name);
    *given = true;
    return true;
  }

  // `value` is the text after the equals sign, or null without one.
  bool read_value(const Option& option, const char* value, Options* options, Message* problem) {
    if (option.value == nullptr && value != nullptr) {
      return refuse(problem, "{}: expected no value, got {}; remove it", option.name, foreign(value));
    }
    if (option.value != nullptr && value == nullptr && !next_value(option, &value, problem)) return false;
    if (value != nullptr && value[0] == '\0') {
      return refuse(problem, "{}: expected {}, got an empty value; give one", option.name, option.value);
    }
    return apply(option, value, options, problem);
  }

  // An argument that looks like an option is not taken as a value, which was probably forgotten. --option=VALUE takes
  // any.
  bool next_value(const Option& option, const char** value, Message* problem) {
    *value = *next_;
    if (*value == nullptr) {
      return refuse(problem, "{}: expected {} after it, got the end of the arguments; give it", option.name,
                    option.value);
    }
    if ((*value)[0] == '-') {
      return refuse(problem, "{}: expected {} after it, got {}; give it, if need be as {}={}", option.name,
                    option.value, foreign(*value), option.name, option.value);
    }
    next_++;
    return true;
  }

  char** next_;
  bool given_[kOptionCount] = {};
};

// The console socket carries one message and is closed after it.
bool shares_socket(const Options& options) {
  int socket = options.console_socket_fd;
  return socket != -1 && (socket == options.ready_fd || socket == options.wait_fd);
}

bool check_together(const Options& options, Message* problem) {
  bool by_path = options.console_socket != nullptr;
  bool by_fd = options.console_socket_fd != -1;
  if (by_path && by_fd) {
    return refuse(problem, "expected one of --console-socket and --console-socket-fd, got both; remove one");
  }
  if (!by_path && !by_fd) {
    return refuse(problem, "expected --console-socket PATH or --console-socket-fd N, got neither; give one of them");
  }
  if (shares_socket(options)) {
    return refuse(problem,
                  "expected other descriptors for --ready-fd and --wait-fd, got the console socket's; give others");
  }
  if (options.subreaper && !options.init) {
    return refuse(problem, "--subreaper: expected --init with it, got it alone; add --init");
  }
  if (options.to_group && !options.init) {
    return refuse(problem, "--group: expected --init with it, got it alone; add --init");
  }
  if (*options.command != nullptr) return true;
  return refuse(problem, "expected a command after the options, got none; add it, for example -- /bin/sh");
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
