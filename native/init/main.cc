// console-init: opens a terminal inside a container, sends its ptmx out over a Unix socket, and becomes the command on
// that terminal. The options are in option_table.cc, the exit statuses in command.h.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

bool refuse_seclusion(Message* problem) {
  problem->add("expected to shut this process off, got ").error(errno).add("; see what denies prctl or close_range");
  return false;
}

// A process of the container must not reach into this one (/proc/PID/fd, ptrace) while it holds what is not the
// container's, CVE-2016-9962. exec makes the command dumpable again.
bool make_undumpable() {
  return prctl(PR_SET_DUMPABLE, 0) == 0;
}

// Before the terminal takes its place: a failure to run the command has to reach who started this.
bool keep_standard_error(common::UniqueFd* kept, Message* problem) {
  kept->reset(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (kept->valid()) {
    speak_through(kept->get());
    return true;
  }
  problem->add("expected a free descriptor, got ").error(errno).add("; raise the limit of open files");
  return false;
}

int fail(const Message& problem, int standard_error = STDERR_FILENO) {
  // On the way out the terminal is closed, and a receiver that then hangs up is not to be what this process dies of.
  ignore_signal(SIGHUP);
  problem.write_line(standard_error);
  return kOwnFailure;
}

// Signals, a time limit, and nothing that was inherited by mistake.
bool prepare(const Options& options, Message* problem) {
  reset_signals();
  // Until the command runs: a reader that is gone is an error to report.
  ignore_signal(SIGPIPE);
  begin_progress(options.verbose, options.timeout_ms);
  if (!check_handshake(options, problem)) return false;
  if (make_undumpable() && dismiss_descriptors(Inherited::kCloseOnExec)) return true;
  return refuse_seclusion(problem);
}

// Before --ready-fd is told: after that only the command's own start may fail.
bool become_command_user(const Options& options, const Supervision& supervision, Message* problem) {
  if (!become_user(options, problem)) return false;
  // A change of user makes the process dumpable again where fs.suid_dumpable is 1, and clears the signal.
  if (!make_undumpable()) return refuse_seclusion(problem);
  if (die_with_parent(supervision.pdeathsig, supervision.parent)) return true;
  problem->add("--pdeathsig: expected to set it, got ").error(errno).add("; see what denies prctl here");
  return false;
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

bool agree_with_outside(const Options& options, Message* problem) {
  if (!tell_ready(options, problem)) return false;
  if (options.wait_fd != -1) step("waiting for the go on --wait-fd");
  return wait_for_go(options, problem);
}

int run(const Options& options, Message& problem) {
  common::UniqueFd standard_error;
  common::Pty pty;
  Supervision supervision{options.init, options.to_group, options.subreaper, options.pdeathsig, getppid()};
  if (!prepare(options, &problem)) return fail(problem);
  if (!make_console(options, &pty, &problem)) return fail(problem);
  if (!send_to_receiver(options, &pty, &problem)) return fail(problem);
  step("taking the terminal");
  if (!take_terminal(pty.peer, &supervision, &problem)) return fail(problem);
  if (!become_command_user(options, supervision, &problem)) return fail(problem);
  if (!keep_standard_error(&standard_error, &problem)) return fail(problem);
  if (!agree_with_outside(options, &problem)) return fail(problem);
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
