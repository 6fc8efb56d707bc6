#include "reaper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inherited.h"
#include "receive_start.h"
#include "retry.h"
#include "signals.h"

// Newer than the headers of the oldest supported C libraries.
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

namespace keeper {

namespace {

// A reader that is stuck in a call on the master answers nothing.
constexpr uint64_t kLeaderWaitMs = 300;

}  // namespace

bool Reaper::open_events(common::UniqueFd creator, Start* start) {
  signals_ = open_signals();
  if (!events_.open()) tell_not_started(creator.get(), errno);
  if (events_.fd() == -1 || !add_client(static_cast<common::UniqueFd&&>(creator), true)) return false;
  // The creator can be told from here on.
  linger_ms_ = start->options.linger_ms;
  if (!signals_.valid() || prctl(PR_SET_CHILD_SUBREAPER, 1) == -1) return false;
  if (!events_.add(signals_.get(), EPOLLIN, kSignals) || !events_.add(link_.fd(), EPOLLIN, kLink)) return false;
  return listener_.open(events_, static_cast<common::UniqueFd&&>(start->reaper_listener), kListener);
}

bool Reaper::open(common::UniqueFd creator, Start* start) {
  bool opened = open_events(static_cast<common::UniqueFd&&>(creator), start);
  int error = opened ? 0 : errno;
  if (clients_.size() == 0) return false;
  // The hello that the creator sent before has been answered.
  clients_[0].version = kVersion;
  LinkRecord ready{};
  common::UniqueFd none;
  bool answered = link_.receive(&ready, &none, true) == Link::Received::kRecord;
  if (error == 0) error = answered ? ready.subject : EPIPE;
  if (error == 0 && !family_.open(start->pid_file)) error = errno;
  if (error == 0) error = start_command(*start, &command_);
  if (error == 0 && !output_.open(events_, command_.streams, kOutputFirst)) error = errno;
  if (error == 0 && !events_.add(command_.failure.get(), EPOLLIN, kExec)) error = errno;

  int kept[] = {
      clients_[0].socket.get(), link_.fd(), signals_.get(), listener_.fd(), events_.fd(), output_.fd(0), output_.fd(1),
      command_.failure.get()};
  // These numbers are closed next.
  start->input.release();
  start->reaper_listener.release();
  close_all_but(kept, sizeof(kept) / sizeof(kept[0]));
  leave_standard_streams();
  ignore_terminal_signals();
  // The command has inherited the working directory. This process must not keep its file system busy for as long as the
  // container runs. If chdir fails, nothing else is wrong.
  [[maybe_unused]] int moved = chdir("/");
  if (error != 0) {
    not_started(ExecFailure::kExec, error);
    return true;
  }
  family_.begin(command_.pid);
  link_.send(LinkRecord{LinkKind::kRuntime, command_.pid});
  return true;
}

// The command may have been forked all the same, where a descriptor was lacking after it.
void Reaper::not_started(int32_t step, int error) {
  if (command_.pid > 0) {
    kill(command_.pid, SIGKILL);
    common::retry_on_eintr([&] { return waitpid(command_.pid, nullptr, 0); });
    command_.pid = 0;
  }
  command_.failure.reset();
  failed_step_ = step;
  failed_errno_ = error;
  over_ = true;
  link_.send(LinkRecord{LinkKind::kOver});
  happen(kTellNotStarted | kTellExit);
}

void Reaper::run() {
  for (;;) {
    tell_clients();
    uint64_t now = now_ms();
    if (is_done(now)) return;
    epoll_event events[Events::kBatch];
    int count = events_.wait(events, timeout_until(next_due(), now));
    for (int i = 0; i < count; i++) handle_event(events[i]);
    now = now_ms();
    if (now >= leader_until_) {
      leader_until_ = kNever;
      family_.leader_is(0);
      follow_family();
    }
    if (now >= kill_at_) {
      kill_at_ = kNever;
      killing_ = true;
      kill_all();
    }
  }
}

uint64_t Reaper::next_due() const {
  uint64_t due = leader_until_ < kill_at_ ? leader_until_ : kill_at_;
  return linger_until_ < due ? linger_until_ : due;
}

void Reaper::handle_event(const epoll_event& event) {
  uint32_t number = event.data.u32;
  if (number >= kClientFirst) {
    ReaperClient& client = clients_[number - kClientFirst];
    if (client.used() && (event.events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) hear(client);
    return;
  }
  switch (number) {
    case kSignals:
      return handle_signals();
    case kLink:
      return handle_link();
    case kListener:
      return accept_client();
    case kExec:
      return handle_exec();
    default:
      return handle_output(number - kOutputFirst);
  }
}

void Reaper::handle_signals() {
  bool terminate = take_signals(signals_);
  // As the reader does. The container is init's then.
  if (terminate && !kept_ && creator_gone_) _exit(0);
  handle_exec();
  follow_family();
  if (killing_) kill_all();
}

void Reaper::handle_exec() {
  if (!command_.failure.valid()) return;
  ExecFailure failure;
  ssize_t count = common::retry_on_eintr([&] { return read(command_.failure.get(), &failure, sizeof(failure)); });
  if (count == -1 && errno == EAGAIN) return;
  events_.remove(command_.failure.get());
  command_.failure.reset();
  if (count == sizeof(failure)) return not_started(failure.step, failure.error);
  started_ = true;
  happen(kTellStarted);
}

void Reaper::handle_link() {
  for (;;) {
    LinkRecord record{};
    common::UniqueFd passed;
    switch (link_.receive(&record, &passed)) {
      case Link::Received::kNothing:
        return;
      case Link::Received::kEnd:
        return link_ended();
      case Link::Received::kRecord:
        if (record.kind == LinkKind::kSignal) signal_target(record.subject);
        if (record.kind != LinkKind::kLeader) break;
        console_came_ = record.value != 0;
        if (console_came_) family_.console_came();
        family_.leader_is(record.subject);
        leader_until_ = kNever;
        follow_family();
    }
  }
}

// The reader has ended: the terminal was hung up. Nobody knows its session leader any more.
void Reaper::link_ended() {
  events_.remove(link_.fd());
  link_.close();
  reader_ = 0;
  happen(kTellHello);
  if (leader_until_ == kNever) return;
  leader_until_ = kNever;
  family_.leader_is(0);
  follow_family();
}

void Reaper::follow_family() {
  if (!started_ || over_) return;
  for (;;) {
    FamilyEvent event = family_.next();
    if (event.kind == FamilyEvent::kNone) return;
    handle_family(event);
  }
}

void Reaper::handle_family(const FamilyEvent& event) {
  switch (event.kind) {
    case FamilyEvent::kAskLeader:
      link_.send(LinkRecord{LinkKind::kAskLeader});
      leader_until_ = now_ms() + kLeaderWaitMs;
      if (!link_.valid()) {
        leader_until_ = kNever;
        family_.leader_is(0);
      }
      return;
    case FamilyEvent::kContainer:
      return found(event.pid);
    case FamilyEvent::kUndecided:
      return happen(kTellChild);
    case FamilyEvent::kRuntimeEnded:
      runtime_status_ = event.status;
      output_.runtime_ended();
      return happen(kTellRuntimeEnded);
    case FamilyEvent::kContainerEnded:
      // Known by its end only, and reaped: without a pidfd.
      if (container_ == 0) {
        container_ = event.pid;
        happen(kTellChild);
      }
      ended_ = true;
      status_ = static_cast<uint32_t>(event.status);
      link_.send(LinkRecord{LinkKind::kContainerEnded, 0, status_});
      return happen(kTellEnded);
    case FamilyEvent::kNoChildren:
      over_ = true;
      link_.send(LinkRecord{LinkKind::kOver});
      return happen(ended_ ? kTellExit : kTellEnded | kTellExit);
    case FamilyEvent::kNone:
      return;
  }
}

void Reaper::found(pid_t container) {
  container_ = container;
  pidfd_.reset(static_cast<int>(syscall(SYS_pidfd_open, container, 0)));
  link_.send(LinkRecord{LinkKind::kContainer, container}, pidfd_.get());
  happen(kTellChild);
}

// As the reader: clients close their connections when they have the end, and are waited for no longer than the linger
// time; the creator gets everything first.
bool Reaper::is_done(uint64_t now) {
  if (!over_) return false;
  bool used = false;
  for (const ReaperClient& client : clients_) {
    used = used || client.used();
    if (!client.used() || !client.creator) continue;
    if (!client.exit_told || !is_flushed(client)) {
      linger_until_ = kNever;
      return false;
    }
  }
  if (linger_until_ == kNever) linger_until_ = now + linger_ms_;
  return !used || now >= linger_until_;
}

}  // namespace keeper
