// The processes that one environment started: where the starting thread's replies arrive, and which are not reaped yet.
// At the environment's end these are handed to the thread: a process that is reaped by nobody stays a zombie.
#pragma once

#include <sys/types.h>

#include <unordered_set>

#include "starting_thread.h"

namespace addon {

class StartedChildren {
 public:
  StartedChildren() = default;
  StartedChildren(const StartedChildren&) = delete;
  StartedChildren& operator=(const StartedChildren&) = delete;
  ~StartedChildren();

  // The descriptor that becomes readable when a reply has come; -1 and errno. It stays this object's, and is closed by
  // `stop_replies`, once every request was replied to.
  int replies();
  void stop_replies();
  int start(std::unique_ptr<StartRequest> request);
  // False when none is there. A process that it tells of is to be reaped.
  bool next(StartReply* reply);
  // wait(2)'s status; 0 while it runs, -1 and errno. Only for a process that is not reaped yet.
  pid_t reap(pid_t pid, int* status);
  // Ends a process that is not reaped yet, because nobody can follow it.
  void end(pid_t pid);

 private:
  int receiving_ = -1;
  int sending_ = -1;
  std::unordered_set<pid_t> pids_;
};

}  // namespace addon
