// console-init: opens a terminal inside a container, sends its ptmx out over a Unix socket, and becomes the command on
// that terminal. The options are in options.cc, the exit statuses in command.h.
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "command.h"
#include "console_socket.h"
#include "descriptors.h"
#include "message.h"
#include "options.h"
#include "pty.h"
#include "session.h"
#include "terminal.h"
#include "unique_fd.h"

namespace init {

namespace {

// A process of the container must not reach into this one (/proc/PID/fd, ptrace) while it holds what is not the
// container's, CVE-2016-9962. exec makes the command dumpable again.
bool seclude(Message* problem) {
  if (prctl(PR_SET_DUMPABLE, 0) == 0 && dismiss_descriptors(Inherited::kCloseOnExec)) return true;
  problem->add("expected to shut this process off, got ").error(errno).add("; see what denies prctl or close_range");
  return false;
}

// Before the terminal takes its place: a failure to run the command has to reach who started this.
bool keep_standard_error(core::UniqueFd* kept, Message* problem) {
  kept->reset(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (kept->valid()) return true;
  problem->add("expected a free descriptor, got ").error(errno).add("; raise the limit of open files");
  return false;
}

int fail(const Message& problem) {
  problem.write_line(STDERR_FILENO);
  return kOwnFailure;
}

int run(const Options& options, Message& problem) {
  core::UniqueFd standard_error;
  core::Pty pty;
  core::UniqueFd socket;
  if (!seclude(&problem)) return fail(problem);
  if (!open_terminal(options, &pty, &problem)) return fail(problem);
  if (!open_console_socket(options, &socket, &problem)) return fail(problem);
  if (!send_console(socket, pty.ptmx, &problem)) return fail(problem);
  socket.reset();
  pty.ptmx.reset();
  if (!keep_standard_error(&standard_error, &problem)) return fail(problem);
  reset_signals();
  if (!take_terminal(pty.peer, &problem)) return fail(problem);
  if (!use_as_standard(pty.peer, &problem)) return fail(problem);
  ExitStatus status = run_command(options.command, &problem);
  problem.write_line(standard_error.get());
  return status;
}

}  // namespace

}  // namespace init

int main(int argc, char** argv) {
  init::occupy_standard_descriptors();
  init::Options options;
  init::Message problem;
  switch (init::parse_options(argc, argv, &options, &problem)) {
    case init::Request::kHelp:
      return init::print_help() ? 0 : init::kOwnFailure;
    case init::Request::kVersion:
      return init::print_version() ? 0 : init::kOwnFailure;
    case init::Request::kInvalid:
      return init::fail(problem);
    case init::Request::kRun:
      return init::run(options, problem);
  }
}
