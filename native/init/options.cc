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
      if (equals == nullptr) return take(option, nullptr, options, problem);
      problem->add(option->name).add(": expected no value, got ").quote(equals + 1).add("; remove it");
      return Request::kInvalid;
    }
    const char* value = equals != nullptr ? equals + 1 : take_value(option, problem);
    if (value == nullptr) return Request::kInvalid;
    if (value[0] == '\0') {
      problem->add(option->name).add(": expected ").add(option->value).add(", got an empty value; give one");
      return Request::kInvalid;
    }
    return take(option, value, options, problem);
  }

  static Request take(const Option* option, const char* value, Options* options, Message* problem) {
    if (option->read == nullptr || option->read(value, options, problem)) return option->request;
    return Request::kInvalid;
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

// The socket carries one message and is closed after it.
bool shares_socket(const Options& options) {
  int socket = options.console_socket_fd;
  return socket != -1 && (socket == options.ready_fd || socket == options.wait_fd);
}

bool check_together(const Options& options, Message* problem) {
  bool by_path = options.console_socket != nullptr;
  bool by_fd = options.console_socket_fd != -1;
  const char* wrong = nullptr;
  if (by_path && by_fd) {
    wrong = "expected one of --console-socket and --console-socket-fd, got both; remove one";
  } else if (!by_path && !by_fd) {
    wrong = "expected --console-socket PATH or --console-socket-fd N, got neither; say where the terminal goes";
  } else if (shares_socket(options)) {
    wrong = "expected another descriptor for --ready-fd and --wait-fd, got the console socket's; give them their own";
  } else if (options.subreaper && !options.init) {
    wrong = "--subreaper: expected --init with it, got it alone; add --init";
  } else if (options.to_group && !options.init) {
    wrong = "--group: expected --init with it, got it alone; add --init";
  } else if (*options.command == nullptr) {
    wrong = "expected a command behind the options, got none; add it, for example -- /bin/sh";
  }
  if (wrong != nullptr) problem->add(wrong);
  return wrong == nullptr;
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
