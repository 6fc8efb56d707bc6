// The children of this process, and which of them is the container's.
//
// Candidates, in this order: the session leader of the terminal; what the pid file says; the only process that the
// command left behind, unless the command is a session leader (console-init becomes one, runtimes do not) and that
// process is none; then the command itself, which with nothing left behind it is in any case. One counts when it is a
// child of this process, running or not, because nobody else gets its number before it is reaped. So nothing is reaped
// before that is decided, but the command, once its candidates have been looked at.
//
// crun's helper stays the container's parent until it exits: a leader or a pid file's process that is not a child yet
// is looked at again after every exit.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "pages.h"

namespace keeper {

struct FamilyEvent {
  enum Kind : uint8_t {
    kNone,
    kAskLeader,       // answer by `leader_is`, then call `next` again
    kContainer,       // pid: the container's process is known
    kUndecided,       // none of the processes that the command left can be said to be the container's (yet)
    kRuntimeEnded,    // status: of the command; after kContainer or kUndecided
    kContainerEnded,  // status
    kNoChildren,      // at last, once
  };
  Kind kind = kNone;
  pid_t pid = 0;
  int status = 0;
};

class Family {
 public:
  // Copies the path, which may be empty. False without memory.
  bool open(const char* pid_file);
  // `runtime` may be 0: it has been reaped.
  void begin(pid_t runtime) { runtime_ = runtime; }
  // The container's process as another process found it.
  void container_is(pid_t pid) { container_ = pid; }
  // The terminal's session leader, or 0 for none.
  void leader_is(pid_t leader);
  // Without a console there is no container that could be known by its end.
  void console_came() { console_came_ = true; }
  // A child that is none of the command's: it is reaped and not counted.
  void ignore(pid_t pid) { ignored_ = pid; }

  // What has happened. Call it again until it is kNone: after the start, SIGCHLD and `leader_is`. A process is reaped
  // by the call after the one that tells its end, so that another process can tell it if this one is killed in between.
  FamilyEvent next();

  pid_t runtime() const { return runtime_; }
  pid_t container() const { return container_; }

 private:
  FamilyEvent next_undecided();
  FamilyEvent next_decided();
  FamilyEvent decide();
  FamilyEvent runtime_ended(int status);
  FamilyEvent found(pid_t pid);
  void reap();
  pid_t candidate() const;
  pid_t pid_file_says() const;

  Pages pid_file_;     // a string, or nothing
  pid_t runtime_ = 0;  // 0: reaped, or about to be
  pid_t to_reap_ = 0;
  pid_t container_ = 0;
  pid_t leader_ = 0;
  pid_t ignored_ = 0;
  bool asked_ = false;
  bool answered_ = false;
  bool decided_ = false;
  bool none_told_ = false;
  // Without a list of children: whether the command may have been the only process is known at the end.
  bool no_list_ = false;
  bool left_some_ = false;
  bool console_came_ = false;
  // Of those that the command left.
  pid_t last_ended_ = 0;
  int last_status_ = 0;
  pid_t reaped_runtime_ = 0;
  int runtime_status_ = 0;
};

}  // namespace keeper
