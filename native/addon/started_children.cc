#include "started_children.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/retry.h"

namespace addon {

StartedChildren::~StartedChildren() {
  for (pid_t pid : pids_) adopt_child(pid);
  if (receiving_ == -1) return;
  // From now on the thread cannot send, and ends what it started; before it, nobody has heard of these.
  shutdown(receiving_, SHUT_RD);
  StartReply reply;
  while (next(&reply)) {
    if (reply.pid > 0) end(reply.pid);
  }
  stop_replies();
}

int StartedChildren::replies() {
  if (receiving_ != -1) return receiving_;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1) return -1;
  receiving_ = ends[0];
  sending_ = ends[1];
  return receiving_;
}

void StartedChildren::stop_replies() {
  if (receiving_ == -1) return;
  close(receiving_);
  close(sending_);
  receiving_ = sending_ = -1;
}

int StartedChildren::start(std::unique_ptr<StartRequest> request) {
  if (replies() == -1) return errno;
  return start_process(std::move(request), sending_);
}

bool StartedChildren::next(StartReply* reply) {
  ssize_t length = common::retry_on_eintr([&] { return recv(receiving_, reply, sizeof(*reply), MSG_DONTWAIT); });
  if (length != static_cast<ssize_t>(sizeof(*reply))) return false;
  if (reply->pid > 0) pids_.insert(reply->pid);
  return true;
}

pid_t StartedChildren::reap(pid_t pid, int* status) {
  pid_t reaped = waitpid(pid, status, WNOHANG);
  if (reaped != 0) pids_.erase(pid);
  return reaped;
}

void StartedChildren::end(pid_t pid) {
  kill(pid, SIGKILL);
  pids_.erase(pid);
  adopt_child(pid);
}

}  // namespace addon
