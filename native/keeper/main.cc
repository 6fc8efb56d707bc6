// console-keeper: stands beside one console. It is two processes: the reader, which has the PTY master, its output and
// its clients; and the reaper, which is the parent of the runtime's command and tells the exit status. The reader is
// started first and is the reaper's parent, so that a killed reaper's children, and with them the status, are the
// reader's. protocol.h has their records, docs/keeper-protocol.md describes them.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "reader.h"
#include "reaper.h"
#include "receive_start.h"

namespace keeper {

namespace {

enum ExitStatus { kDone = 0, kOwnFailure = 125 };

int refuse(const char* problem) {
  static constexpr char kPrefix[] = "console-keeper: ";
  iovec line[] = {{const_cast<char*>(kPrefix), sizeof(kPrefix) - 1},
                  {const_cast<char*>(problem), strlen(problem)},
                  {const_cast<char*>("\n"), 1}};
  // There is no other place to report a failed write to.
  if (writev(STDERR_FILENO, line, 3) == -1) return kOwnFailure;
  return kOwnFailure;
}

bool is_socket(int fd) {
  int type = 0;
  socklen_t length = sizeof(type);
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM &&
         fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

// The descriptors of the other process go at once: each learns from an end of file that the other has ended.
int run_reader(Link link, pid_t reaper, common::UniqueFd creator, Start* start) {
  start->input.reset();
  start->reaper_listener.reset();
  Reader reader(static_cast<Link&&>(link), reaper, *start);
  int error = reader.open(static_cast<common::UniqueFd&&>(creator), start);
  start->body.free();
  start->arrays.free();
  // The end of the link tells the reaper what a record could not.
  if (!reader.ready(error)) {
    reader.leave();
    return kOwnFailure;
  }
  // The command inherits the directory from the reaper. This process must not keep its file system busy. If chdir
  // fails, nothing else is wrong.
  [[maybe_unused]] int moved = chdir("/");
  reader.run();
  reader.leave();
  return kDone;
}

int run_reaper(Link link, pid_t reader, common::UniqueFd creator, Start* start) {
  start->console_listener.reset();
  start->reader_listener.reset();
  Reaper reaper(static_cast<Link&&>(link), reader, start->has(kKept));
  bool opened = reaper.open(static_cast<common::UniqueFd&&>(creator), start);
  start->body.free();
  start->arrays.free();
  if (!opened) return kOwnFailure;
  reaper.run();
  return kDone;
}

int run() {
  if (!is_socket(kReaderFd) || !is_socket(kReaperFd)) {
    return refuse("expected the library's stream sockets as descriptors 3 and 4; launch() starts this program");
  }
  common::UniqueFd reader_creator(kReaderFd);
  common::UniqueFd reaper_creator(kReaperFd);
  // No terminal's signals reach the container through this process. It fails where this is a session leader already.
  setsid();
  Start start;
  if (!receive_start(reaper_creator.get(), &start)) return kOwnFailure;
  Link of_reader;
  Link of_reaper;
  // Before the fork: the reaper's children become this process's when the reaper is killed.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1 || !Link::open(&of_reader, &of_reaper)) {
    tell_not_started(reaper_creator.get(), errno);
    return kOwnFailure;
  }
  pid_t reader = getpid();
  pid_t reaper = fork();
  if (reaper == -1) {
    tell_not_started(reaper_creator.get(), errno);
    return kOwnFailure;
  }
  if (reaper == 0) {
    of_reader.close();
    reader_creator.reset();
    return run_reaper(static_cast<Link&&>(of_reaper), reader, static_cast<common::UniqueFd&&>(reaper_creator), &start);
  }
  of_reaper.close();
  reaper_creator.reset();
  return run_reader(static_cast<Link&&>(of_reader), reaper, static_cast<common::UniqueFd&&>(reader_creator), &start);
}

}  // namespace

}  // namespace keeper

// _exit: nothing here is buffered, and a destructor's close could wait.
int main() {
  _exit(keeper::run());
}
