// Starts processes, on a thread with a descriptor table of its own.
//
// fork(2) copies its caller's descriptor table, and execve(2) closes what is close-on-exec in the copy. close(2) of
// what a peer sent can wait, for a file of a FUSE mount for ever: then the new program never runs, and
// child_process.spawn(), which waits for execve, never returns. So children are made from a table that has nothing of
// peers in it, nor of the user: what this process inherited stays its own, and the child gets the descriptors of its
// request only.
//
// vfork(2) stops this thread until the child has called execve, and copies no page tables: its cost does not depend on
// this process's memory. Working directory, umask, limits, user and groups are the process's; namespaces are those
// of the thread, which began with the addon.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

namespace addon {

struct StartRequest {
  // A path: PATH is not searched.
  std::string file;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  // Empty: this process's.
  std::string directory;
  // setsid(2): no terminal's signals reach it.
  bool own_session = false;
  // What become descriptors 0, 1, 2 … of the child; -1 is /dev/null. Borrowed for `start_process`.
  std::vector<int> descriptors;
  // Comes back in the reply.
  uint32_t id = 0;
};

// What the thread sends when a request was carried out. (It has no other way to another thread's event loop: that one's
// eventfd is not in its table.)
struct StartReply {
  uint32_t id = 0;
  // 0 when no process was started. Otherwise the receiver's to reap, or to `adopt_child`.
  pid_t pid = 0;
  int error = 0;
  // The call that failed.
  const char* call = nullptr;
};

// As many as a request can have.
inline constexpr size_t kMaxStartDescriptors = 16;

// Begins the thread, if it does not run yet. 0, or an errno. The addon calls it when it is loaded, before a peer can
// have sent anything: a copy of a descriptor that the table begins with may hang in close(2).
int begin_starting_thread();

// Hands the request over; the reply is sent to `replies`, a SOCK_SEQPACKET socket, borrowed for the call. A process
// whose reply cannot be sent is killed. 0, or an errno: EAGAIN when too many requests wait.
int start_process(std::unique_ptr<StartRequest> request, int replies);

// Reaps a child that nobody waits for any more.
void adopt_child(pid_t pid);

}  // namespace addon
