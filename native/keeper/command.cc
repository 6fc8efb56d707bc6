#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace keeper {

namespace {

struct Ends {
  common::UniqueFd output;
  common::UniqueFd errors;
  common::UniqueFd failing;
};

[[noreturn]] void fail(const Ends& ends, ExecFailure::Step step) {
  ExecFailure failure{step, errno};
  constexpr int kNotRun = 127;
  _exit(write(ends.failing.get(), &failure, sizeof(failure)) == sizeof(failure) ? kNotRun : 1);
}

// Unblocks the signals that this process blocks; it ignores none yet. Not posix_spawn(3): glibc's leaves signals 32 and
// 33 ignored in the child.
[[noreturn]] void run(const Start& start, const Ends& ends) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (start.directory[0] != '\0' && chdir(start.directory) == -1) fail(ends, ExecFailure::kDirectory);
  bool placed = !start.input.valid() || dup2(start.input.get(), STDIN_FILENO) != -1;
  placed = placed && dup2(ends.output.get(), STDOUT_FILENO) != -1 && dup2(ends.errors.get(), STDERR_FILENO) != -1;
  if (placed) {
    // The PATH that the command is looked up in is its own.
    environ = start.variables;
    execvp(start.arguments[0], start.arguments);
  }
  fail(ends, ExecFailure::kExec);
}

bool open_pipe(common::UniqueFd* reading, common::UniqueFd* writing) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) == -1) return false;
  reading->reset(ends[0]);
  writing->reset(ends[1]);
  // The command's end is another open file description, so it stays blocking.
  return fcntl(reading->get(), F_SETFL, O_NONBLOCK) == 0;
}

}  // namespace

int start_command(const Start& start, Command* command) {
  Ends ends;
  if (!open_pipe(&command->streams[0], &ends.output) || !open_pipe(&command->streams[1], &ends.errors) ||
      !open_pipe(&command->failure, &ends.failing)) {
    return errno;
  }
  command->pid = fork();
  if (command->pid == 0) run(start, ends);
  return command->pid == -1 ? errno : 0;
}

}  // namespace keeper
