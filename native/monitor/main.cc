// console-monitor: runs a container runtime's command and is the parent of whatever that leaves behind, so that a
// container's exit status is told to who asked for it, and nothing stays a zombie. Started by console-socket's
// launch(); the conversation with it is in protocol.h. It kills nobody: when the library's process ends, it waits for
// the container, and leaves.
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
  // Where that fails there is nobody to be told.
  if (writev(STDERR_FILENO, line, 3) == -1) return kOwnFailure;
  return kOwnFailure;
}

int run(char** command) {
  Control control;
  if (*command == nullptr || !control.adopt(kControlFd)) {
    return refuse(
        "expected a command, and the library's socket as descriptor 3; console-socket run starts this program");
  }
  // What the runtime leaves behind becomes this process's child.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1) {
    control.tell(kNotStarted, errno);
    return kOwnFailure;
  }
  sigset_t ended;
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  sigprocmask(SIG_BLOCK, &ended, nullptr);

  Runtime runtime;
  Monitor monitor(control, runtime);
  int error = open_output(&runtime) && monitor.begin() ? start_runtime(command, &runtime) : errno;
  if (error != 0) {
    control.tell(kNotStarted, error);
    return kOwnFailure;
  }
  control.tell(kStarted, runtime.pid);
  // The runtime has taken the working directory; a file system it lies on shall not be kept busy for the container's
  // lifetime. Where that fails it is, and nothing else is wrong.
  [[maybe_unused]] int moved = chdir("/");
  return monitor.run() ? kDone : refuse(strerror(errno));
}

}  // namespace

}  // namespace monitor

int main(int argc, char** argv) {
  return monitor::run(argc > 0 ? argv + 1 : argv);
}
