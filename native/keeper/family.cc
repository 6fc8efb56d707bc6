#include "family.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "children.h"
#include "decimal.h"
#include "retry.h"
#include "unique_fd.h"

namespace keeper {

namespace {

bool is_child(pid_t pid) {
  siginfo_t info{};
  return pid > 0 && waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

// wait(2)'s status of a waitid(2) answer.
int status_of(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return (info.si_status & 0xff) << 8;
  constexpr int kCoreFlag = 0x80;
  return info.si_status | (info.si_code == CLD_DUMPED ? kCoreFlag : 0);
}

// A child that has ended, without reaping it. 0: none has; -1: there is no child.
pid_t ended_child(idtype_t type, pid_t of, int* status) {
  siginfo_t info{};
  int result =
      common::retry_on_eintr([&] { return waitid(type, static_cast<id_t>(of), &info, WEXITED | WNOHANG | WNOWAIT); });
  if (result == -1) return -1;
  if (info.si_pid != 0) *status = status_of(info);
  return info.si_pid;
}

struct Left {
  pid_t runtime;
  pid_t ignored;
  pid_t one = 0;
  int count = 0;
  bool known = false;
  bool leads = false;  // one of them is a session leader
};

Left left_behind(pid_t runtime, pid_t ignored) {
  Left left{runtime, ignored};
  left.known = common::for_each_child(
      [](pid_t child, void* context) {
        auto* found = static_cast<Left*>(context);
        if (child == found->runtime || child == found->ignored) return;
        found->one = child;
        found->count++;
        if (getsid(child) == child) found->leads = true;
      },
      &left);
  return left;
}

}  // namespace

bool Family::open(const char* pid_file) {
  if (pid_file[0] == '\0') return true;
  size_t size = strlen(pid_file) + 1;
  if (!pid_file_.allocate(size)) return false;
  memcpy(pid_file_.get(), pid_file, size);
  return true;
}

void Family::leader_is(pid_t leader) {
  // A leader that has died is 0 to the kernel. It was the leader all the same.
  if (leader > 0) leader_ = leader;
  if (asked_) answered_ = true;
}

// O_NONBLOCK: the path may be a FIFO's.
pid_t Family::pid_file_says() const {
  if (pid_file_.size() == 0) return 0;
  const char* path = reinterpret_cast<const char*>(pid_file_.get());
  common::UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  char text[32];
  ssize_t length = file.valid() ? common::retry_on_eintr([&] { return read(file.get(), text, sizeof(text)); }) : 0;
  while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' ')) length--;
  unsigned pid = 0;
  if (length <= 0 || !common::parse_decimal(text, text + length, INT_MAX, &pid)) return 0;
  return static_cast<pid_t>(pid);
}

FamilyEvent Family::found(pid_t pid) {
  container_ = pid;
  return FamilyEvent{FamilyEvent::kContainer, pid, 0};
}

pid_t Family::candidate() const {
  if (is_child(leader_)) return leader_;
  pid_t written = pid_file_says();
  return is_child(written) ? written : 0;
}

// While the command is a zombie still: it counts as a child, and as itself.
FamilyEvent Family::decide() {
  pid_t pid = candidate();
  if (pid == 0 && leader_ == 0 && pid_file_says() == 0) {
    Left left = left_behind(runtime_, ignored_);
    no_list_ = !left.known;
    // The kernel forgets a terminal's leader that has died, so one that ended at once was not seen.
    bool leads = getsid(runtime_) == runtime_ && !left.leads;
    if (left.known && left.count == 1) pid = left.one;
    if (left.known && (left.count == 0 || leads)) pid = runtime_;
  }
  return pid != 0 ? found(pid) : FamilyEvent{FamilyEvent::kUndecided, 0, 0};
}

FamilyEvent Family::runtime_ended(int status) {
  FamilyEvent event{FamilyEvent::kRuntimeEnded, runtime_, status};
  // Where it is the container's process, its end is told once more as that, and then it is reaped.
  if (runtime_ != container_) to_reap_ = runtime_;
  reaped_runtime_ = runtime_;
  runtime_status_ = status;
  runtime_ = 0;
  return event;
}

// The command's end comes before everything else while it is not known which process is the container's.
FamilyEvent Family::next_undecided() {
  if (is_child(leader_)) return found(leader_);
  int status = 0;
  pid_t ended = ended_child(P_PID, runtime_, &status);
  if (ended == -1) {
    // A killed reaper had reaped it.
    runtime_ = 0;
    return next_decided();
  }
  if (ended == 0) return FamilyEvent{};
  if (!asked_) {
    asked_ = true;
    return FamilyEvent{FamilyEvent::kAskLeader, 0, 0};
  }
  if (!answered_) return FamilyEvent{};
  if (decided_) return runtime_ended(status);
  decided_ = true;
  return decide();
}

FamilyEvent Family::next_decided() {
  for (;;) {
    if (container_ == 0) {
      pid_t late = candidate();
      if (late != 0) return found(late);
    }
    int status = 0;
    pid_t pid = ended_child(P_ALL, 0, &status);
    if (pid == 0 || (pid == -1 && none_told_)) return FamilyEvent{};
    if (pid == -1) {
      if (no_list_ && container_ == 0 && !left_some_) {
        container_ = reaped_runtime_;
        return FamilyEvent{FamilyEvent::kContainerEnded, container_, runtime_status_};
      }
      // Nothing names it, and crun's helper, which was its parent, ended before it.
      if (console_came_ && container_ == 0 && last_ended_ > 0 && leader_ == 0 && pid_file_says() == 0) {
        container_ = last_ended_;
        return FamilyEvent{FamilyEvent::kContainerEnded, container_, last_status_};
      }
      none_told_ = true;
      return FamilyEvent{FamilyEvent::kNoChildren, 0, 0};
    }
    if (pid == runtime_) return runtime_ended(status);
    to_reap_ = pid;
    left_some_ = true;
    last_ended_ = pid;
    last_status_ = status;
    if (pid == container_) return FamilyEvent{FamilyEvent::kContainerEnded, pid, status};
    reap();
  }
}

void Family::reap() {
  if (to_reap_ > 0) common::retry_on_eintr([&] { return waitpid(to_reap_, nullptr, 0); });
  to_reap_ = 0;
}

FamilyEvent Family::next() {
  reap();
  return runtime_ > 0 && container_ == 0 ? next_undecided() : next_decided();
}

}  // namespace keeper
