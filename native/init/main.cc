// console-init: opens a terminal inside a container, sends its PTY master (ptmx) out over a Unix socket, and becomes
// the command on that terminal. option_table.cc has the options, command.h the exit statuses.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "command.h"
#include "console_mount.h"
#include "console_socket.h"
#include "descriptors.h"
#include "handshake.h"
#include "identity.h"
#include "message.h"
#include "options.h"
#include "progress.h"
#include "pty.h"
#include "session.h"
#include "signals.h"
#include "supervisor.h"
#include "terminal.h"
#include "unique_fd.h"

namespace init {

namespace {

// A process of the container must not use /proc/PID/fd or ptrace on this process while it holds descriptors from
// outside the container (CVE-2016-9962). exec makes the command dumpable again.
bool make_undumpable(Message* problem) {
  if (prctl(PR_SET_DUMPABLE, 0) == 0) return true;
  return refuse(problem, "expected to make this process undumpable, got {}; see what denies prctl here",
                strerror(errno));
}

bool close_on_exec(Message* problem) {
  if (close_inherited(Close::kOnExec)) return true;
  return refuse(problem,
                "expected to make inherited descriptors close-on-exec, got {}; see what denies close_range here",
                strerror(errno));
}

// Before the terminal replaces standard error, so that a failure to run the command still reaches the caller.
bool keep_standard_error(common::UniqueFd* kept, Message* problem) {
  kept->reset(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (kept->valid()) {
    report_to(kept->get());
    return true;
  }
  return refuse(problem, "expected a free descriptor, got {}; raise the limit of open files", strerror(errno));
}

int fail(const Message& problem, int standard_error = STDERR_FILENO) {
  // The exit closes the terminal. A receiver that then hangs up must not end this process by a signal.
  ignore_signal(SIGHUP);
  problem.write_line(standard_error);
  return kOwnFailure;
}

// Default signals, the time limit, and no descriptor that was inherited by mistake.
bool prepare(const Options& options, Message* problem) {
  reset_signals();
  // Until the command runs, a missing reader is an error to report.
  ignore_signal(SIGPIPE);
  begin_progress(options.verbose, options.timeout_ms);
  return check_handshake(options, problem) && make_undumpable(problem) && close_on_exec(problem);
}

// Before --ready-fd is written: after that only the start of the command may fail.
bool become_command_user(const Options& options, const Supervision& supervision, Message* problem) {
  if (!become_user(options, problem)) return false;
  // A change of user makes the process dumpable again where fs.suid_dumpable is 1, and clears the signal.
  if (!make_undumpable(problem)) return false;
  if (die_with_parent(supervision.pdeathsig, supervision.parent)) return true;
  return refuse(problem, "--pdeathsig: expected to set it, got {}; see what denies prctl here", strerror(errno));
}

bool make_console(const Options& options, common::Pty* pty, Message* problem) {
  step("opening the terminal");
  if (!open_terminal(options, pty, problem)) return false;
  if (!give_terminal(options, pty->peer, problem)) return false;
  if (!options.mount_console) return true;
  step("mounting the terminal on /dev/console");
  return mount_console(pty->peer, problem);
}

bool send_to_receiver(const Options& options, common::Pty* pty, Message* problem) {
  common::UniqueFd socket;
  step("connecting to the receiver");
  if (!open_console_socket(options, &socket, problem)) return false;
  step("sending the terminal");
  if (!send_console(socket, options.name, pty->ptmx, problem)) return false;
  pty->ptmx.reset();
  return true;
}

bool exchange_handshake(const Options& options, Message* problem) {
  if (!write_ready(options, problem)) return false;
  if (options.wait_fd != -1) step("waiting for the byte on --wait-fd");
  return read_go(options, problem);
}

int run(const Options& options, Message& problem) {
  common::UniqueFd standard_error;
  common::Pty pty;
  Supervision supervision{options.init, options.to_group, options.subreaper, options.pdeathsig, getppid()};
  if (!prepare(options, &problem)) return fail(problem);
  if (!make_console(options, &pty, &problem)) return fail(problem);
  if (!send_to_receiver(options, &pty, &problem)) return fail(problem);
  step("taking the terminal");
  // The command gets a child process with --init, and where this process cannot lead a session on the terminal.
  bool in_child = options.init || !lead_session(pty.peer);
  if (in_child && !fork_supervised(&supervision, &problem)) return fail(problem);
  if (in_child && !take_terminal(pty.peer, &problem)) return fail(problem);
  if (!become_command_user(options, supervision, &problem)) return fail(problem);
  if (!keep_standard_error(&standard_error, &problem)) return fail(problem);
  if (!exchange_handshake(options, &problem)) return fail(problem);
  step("starting the command");
  if (!use_as_standard(pty.peer, &problem)) return fail(problem, standard_error.get());
  end_timeout();
  default_signal(SIGPIPE);
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
