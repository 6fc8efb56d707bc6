#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "inherited.h"
#include "signals.h"

namespace keeper {

Reader::Reader(Link link, pid_t reaper, const Start& start)
    : link_(static_cast<Link&&>(link)),
      master_(alarm_),
      pace_(start.has(kWhenFullWait)),
      options_(start.options),
      settings_(start.settings),
      kept_(start.has(kKept)),
      reaper_(reaper) {}

int Reader::open(common::UniqueFd creator, Start* start) {
  int kept[] = {creator.get(), link_.fd(), start->reader_listener.get(), start->console_listener.get()};
  close_all_but(kept, sizeof(kept) / sizeof(kept[0]));
  leave_standard_streams();

  // After the fork of the reaper, whose child is the command: it would inherit what is ignored.
  ignore_terminal_signals();
  signals_ = open_signals();
  if (!signals_.valid() || !events_.open() || !alarm_.open() || !ring_.open(options_.ring_bytes)) return errno;
  if (!family_.open(start->pid_file)) return errno;
  if (!events_.add(signals_.get(), EPOLLIN, kSignals) || !events_.add(link_.fd(), EPOLLIN, kLink)) return errno;
  if (!add_client(static_cast<common::UniqueFd&&>(creator), true)) return errno;
  if (!listener_.open(events_, static_cast<common::UniqueFd&&>(start->reader_listener), kListener)) return errno;
  int error = arrival_.open(static_cast<common::UniqueFd&&>(start->console_listener), start->console_path,
                            start->has(kRemoveDirectory), settings_);
  if (error != 0) return error;
  return arrival_.watch(events_, kArrivalFirst) ? 0 : errno;
}

bool Reader::ready(int error) {
  // What the creator has asked for before it sent kStart counts from the first byte on.
  // Also after a failure: closed with what nobody has read, a socket is reset at its other end.
  if (clients_.size() > 0) hear(clients_[0]);
  return link_.send(LinkRecord{LinkKind::kReady, error}) && error == 0;
}

void Reader::run() {
  for (;;) {
    uint64_t now = now_ms();
    epoll_event events[Events::kBatch];
    int count = events_.wait(events, more_ ? 0 : timeout_until(next_due(), now));
    alarm_.rest();
    master_.new_turn();
    // Without events the clocks alone are looked at, unless there is more to read than a turn has room for.
    bool readable = more_ || held_;
    more_ = false;
    for (int i = 0; i < count; i++) handle_event(events[i]);
    write_input();
    if (readable || more_ || held_) read_console();
    now = now_ms();
    if (pace_.expire(clients_, ring_, now)) more_ = true;
    arrival_.retry(events_, now);
    check_drained(now);
    tell_clients();
    if (is_done(now)) return;
  }
}

void Reader::handle_event(const epoll_event& event) {
  uint32_t number = event.data.u32;
  if (number >= kClientFirst) {
    Client& client = clients_[number - kClientFirst];
    if (client.used() && (event.events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) hear(client);
    return;
  }
  switch (number) {
    case kSignals:
      return handle_signals();
    case kLink:
      return handle_link();
    case kMaster:
      more_ = true;
      return;
    case kListener:
      return accept_client();
    default:
      return arrived(arrival_.handle(events_, number - kArrivalFirst));
  }
}

uint64_t Reader::next_due() const {
  uint64_t due = pace_.due(clients_, ring_);
  if (arrival_.retry_at() < due) due = arrival_.retry_at();
  for (const Client& client : clients_) {
    if (client.used() && client.close_at < due) due = client.close_at;
  }
  if (ended_ && !exited_ && drain_until_ < due) due = drain_until_;
  if (exited_ && closer_ > 0 && closer_until_ < due) due = closer_until_;
  return linger_until_ < due ? linger_until_ : due;
}

}  // namespace keeper
