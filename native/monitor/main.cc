// console-monitor: runs a container runtime's command and becomes the parent of the processes that the command leaves.
// It reports the container's exit status to the library and leaves no zombies. launch() of console-socket starts it;
// protocol.h describes their protocol. It ends no process: when the library's process is gone, it waits for the
// container and exits.
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "control.h"
#include "monitor.h"
#include "runtime.h"

namespace monitor {

namespace {

enum ExitStatus { kDone = 0, kOwnFailure = 125 };

int refuse(const char* problem) {
  static constexpr char kPrefix[] = "console-monitor: ";
  iovec line[] = {{const_cast<char*>(kPrefix), sizeof(kPrefix) - 1},
                  {const_cast<char*>(problem), strlen(problem)},
                  {const_cast<char*>("\n"), 1}};
  // There is no other place to report a failed write to.
  if (writev(STDERR_FILENO, line, 3) == -1) return kOwnFailure;
  return kOwnFailure;
}

int run(char** command) {
  Control control;
  if (*command == nullptr || !control.adopt(kControlFd)) {
    return refuse(
        "expected a command, and the library's socket as descriptor 3; console-socket run starts this program");
  }
  // Processes that the runtime leaves become children of this process.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1) {
    control.send_record(kNotStarted, errno);
    return kOwnFailure;
  }
  sigset_t ended;
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  sigprocmask(SIG_BLOCK, &ended, nullptr);

  Runtime runtime;
  Monitor monitor(control, runtime);
  int error = open_output(&runtime) && monitor.open_events() ? start_runtime(command, &runtime) : errno;
  if (error != 0) {
    control.send_record(kNotStarted, error);
    return kOwnFailure;
  }
  control.send_record(kStarted, runtime.pid);
  // The runtime has inherited the working directory. This process must not keep its file system busy for as long as the
  // container runs. If chdir fails, nothing else is wrong.
  [[maybe_unused]] int moved = chdir("/");
  return monitor.run() ? kDone : refuse(strerror(errno));
}

}  // namespace

}  // namespace monitor

int main(int argc, char** argv) {
  return monitor::run(argc > 0 ? argv + 1 : argv);
}
