#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "retry.h"

namespace monitor {

namespace {

// Unblocks the signals that this process blocks; it ignores none. Not posix_spawn(3): glibc's leaves signals 32 and 33
// ignored in the child.
[[noreturn]] void exec_command(char** command, const common::UniqueFd& output, const common::UniqueFd& failure) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (dup2(output.get(), STDOUT_FILENO) != -1 && dup2(output.get(), STDERR_FILENO) != -1) {
    execvp(command[0], command);
  }
  int error = errno;
  _exit(write(failure.get(), &error, sizeof(error)) == sizeof(error) ? 0 : 1);
}

// A successful exec closes the child's end of the pipe, and the read returns 0.
int wait_for_exec(pid_t child, const common::UniqueFd& failure) {
  int error = 0;
  ssize_t count = common::retry_on_eintr([&] { return read(failure.get(), &error, sizeof(error)); });
  if (count != sizeof(error)) return 0;
  common::retry_on_eintr([&] { return waitpid(child, nullptr, 0); });
  return error;
}

bool open_pipe(common::UniqueFd* reading, common::UniqueFd* writing) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) == -1) return false;
  reading->reset(ends[0]);
  writing->reset(ends[1]);
  return true;
}

}  // namespace

bool open_output(Runtime* runtime) {
  // The command's end is another open file description, so it stays blocking.
  return open_pipe(&runtime->output, &runtime->writing) && fcntl(runtime->output.get(), F_SETFL, O_NONBLOCK) == 0;
}

int start_runtime(char** command, Runtime* runtime) {
  common::UniqueFd failed;
  common::UniqueFd failing;
  if (!open_pipe(&failed, &failing)) return errno;
  runtime->pid = fork();
  if (runtime->pid == -1) return errno;
  if (runtime->pid == 0) exec_command(command, runtime->writing, failing);
  runtime->writing.reset();
  failing.reset();
  return wait_for_exec(runtime->pid, failed);
}

}  // namespace monitor
