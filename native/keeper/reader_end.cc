// The ends: of the container, of the reaper, of the console, and of this process.
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "reader.h"
#include "retry.h"
#include "signals.h"

namespace keeper {

namespace {

constexpr uint64_t kMaxUnread = 262144;

}  // namespace

void Reader::handle_link() {
  for (;;) {
    LinkRecord record{};
    common::UniqueFd passed;
    switch (link_.receive(&record, &passed)) {
      case Link::Received::kNothing:
        return;
      case Link::Received::kEnd:
        return take_over();
      case Link::Received::kRecord:
        handle_link_record(record, static_cast<common::UniqueFd&&>(passed));
        break;
    }
  }
}

void Reader::handle_link_record(const LinkRecord& record, common::UniqueFd passed) {
  switch (record.kind) {
    case LinkKind::kAskLeader:
      // What waits now was sent before the command ended, so it counts.
      arrived(arrival_.handle_all(events_));
      return tell_leader();
    case LinkKind::kRuntime:
      runtime_ = record.subject;
      return;
    case LinkKind::kContainer:
      container_ = record.subject;
      container_pidfd_ = static_cast<common::UniqueFd&&>(passed);
      return;
    case LinkKind::kContainerEnded:
      return container_ended(record.value);
    case LinkKind::kOver:
      over_ = true;
      if (!ended_) container_ended(kStatusUnknown);
      return;
    default:
      return;
  }
}

void Reader::container_ended(uint64_t status) {
  if (ended_) return;
  arrived(arrival_.handle_all(events_));
  arrival_.end(events_);
  container_pidfd_.reset();
  ended_ = true;
  status_ = status;
  ended_at_ = now_ms();
  ended_head_ = ring_.head();
  drain_until_ = ended_at_ + options_.drain_ms;
  more_ = true;
}

void Reader::handle_signals() {
  bool terminate = take_signals(signals_);
  // A service manager stops the service: what nobody has asked to keep does not hold it up.
  if (terminate && !kept_ && creator_gone_) _exit(0);
  if (closer_ > 0 && waitpid(closer_, nullptr, WNOHANG) == closer_) closer_ = 0;
  if (!link_.valid()) return follow_family();
  // By its number: a child of a killed reaper is this process's already, and its status is still to be told.
  if (reaper_ > 0 && waitpid(reaper_, nullptr, WNOHANG) == reaper_) {
    reaper_ = 0;
    handle_link();
    take_over();
  }
}

// The reaper has ended. Where it was killed, its children are this process's now.
void Reader::take_over() {
  if (!link_.valid()) return;
  events_.remove(link_.fd());
  link_.close();
  // It has ended, unless the connection failed: a reaper that nobody hears would keep its children.
  if (reaper_ > 0) {
    kill(reaper_, SIGKILL);
    common::retry_on_eintr([&] { return waitpid(reaper_, nullptr, 0); });
  }
  reaper_ = 0;
  // The reaper's clients may not see its end: who traces it has copies of its sockets.
  for (Client& client : clients_) {
    if (client.used()) client.due |= kDueHello;
  }
  if (over_ || ended_) return;
  family_.begin(runtime_);
  if (console_came_) family_.console_came();
  if (container_ > 0) family_.container_is(container_);
  family_begun_ = true;
  follow_family();
}

void Reader::follow_family() {
  if (!family_begun_) {
    while (waitpid(-1, nullptr, WNOHANG) > 0) continue;
    return;
  }
  for (;;) {
    FamilyEvent event = family_.next();
    switch (event.kind) {
      case FamilyEvent::kNone:
        return;
      case FamilyEvent::kAskLeader:
        arrived(arrival_.handle_all(events_));
        family_.leader_is(master_.session_leader());
        break;
      case FamilyEvent::kContainer:
        container_ = event.pid;
        container_pidfd_.reset(static_cast<int>(syscall(SYS_pidfd_open, event.pid, 0)));
        break;
      case FamilyEvent::kContainerEnded:
        container_ended(static_cast<uint32_t>(event.status));
        break;
      case FamilyEvent::kNoChildren:
        container_ended(kStatusUnknown);
        break;
      case FamilyEvent::kUndecided:
      case FamilyEvent::kRuntimeEnded:
        break;
    }
  }
}

// The container has ended, and its output is complete: nobody has the terminal open, or a process that was left keeps
// it open for longer than the drain time.
void Reader::check_drained(uint64_t now) {
  if (!ended_ || exited_) return;
  bool all_read = !master_.valid() || (hung_up_ && !held_);
  // More than the kernel keeps of a terminal's output: what comes now is that of a process which was left, and it would
  // hold the end back for as long as it floods a client that paces.
  bool others_alone = ring_.head() - ended_head_ > kMaxUnread && now >= ended_at_ + options_.drain_ms;
  if (!all_read && !others_alone && (held_ || now < drain_until_)) return;
  exited_ = true;
  hang_up();
  // The leader may have been that of a console which never came.
  more_ = false;
}

void Reader::leave() {
  for (Client& client : clients_) {
    if (client.used()) client.clear();
  }
  link_.close();
  arrival_.end(events_);
}

// A client closes its connection when it has the end. An acknowledgement that is still on its way would make a close
// here an ECONNRESET there, so clients are waited for, but for the linger time only. The creator gets everything first,
// however long it takes to read it.
bool Reader::is_done(uint64_t now) {
  if (!exited_) return false;
  // Where the hangup does not wait, no process of this keeper is left.
  if (now >= closer_until_) closer_ = 0;
  if (closer_ > 0) return false;
  bool used = false;
  for (const Client& client : clients_) {
    used = used || client.used();
    if (!client.used() || !client.creator || !client.attached) continue;
    if (!client.exit_told || !client.out.empty()) {
      linger_until_ = kNever;
      return false;
    }
  }
  if (linger_until_ == kNever) linger_until_ = now + (settled_ ? 0 : options_.linger_ms);
  if (now >= linger_until_) return true;
  return !used && (!kept_ || pace_.acked() >= ring_.head());
}

}  // namespace keeper
