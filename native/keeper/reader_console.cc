// The master: its arrival, its output into the ring, the clients' input, its end.
#include <string.h>

#include "clock.h"
#include "last_close.h"
#include "reader.h"

namespace keeper {

namespace {

constexpr int kReadsPerTurn = 16;
constexpr size_t kReadSize = 65536;
// N_TTY takes no more at a time.
constexpr size_t kWriteSize = 4096;
constexpr uint64_t kCloserMs = 1000;

}  // namespace

void Reader::arrived(Receipt receipt) {
  if (receipt == Receipt::kRefused) {
    tell_all(kDueRefused);
    if (arrival_.gave_up()) arrival_.end(events_);
  }
  if (receipt != Receipt::kConsole) return;
  master_.adopt(arrival_.take_master());
  console_came_ = true;
  arrival_.end(events_);
  size_ = arrival_.verdict().columns | uint32_t{arrival_.verdict().rows} << 16;
  tell_all(kDueArrived | kDueSize);
  // Edge-triggered: after a hangup the master stays readable, while a process may open the terminal again.
  bool watched = events_.add(master_.fd(), EPOLLIN | EPOLLOUT | EPOLLET, kMaster);
  more_ = true;
  // A console that is not watched would stand still, and nobody would be told.
  if (hang_up_wanted_ || !watched) hang_up();
}

// "The ring is full" is not "the terminal is dry": with an edge-triggered master the reading goes on by itself when
// room comes, be it by an acknowledgement or by the end of a client.
void Reader::read_console() {
  held_ = false;
  if (!master_.valid() || exited_) return;
  // A turn does not overwrite what a client that reads fast could not have got.
  size_t budget = ring_.capacity() / 2;
  uint64_t now = now_ms();
  for (int reads = 0; reads < kReadsPerTurn; reads++) {
    size_t allowed = pace_.room(clients_, ring_, now);
    held_ = allowed == 0;
    if (held_) {
      // The time to drain counts only while reading is not held.
      if (ended_) drain_until_ = now + options_.drain_ms;
      return;
    }
    if (budget == 0) break;
    if (allowed > kReadSize) allowed = kReadSize;
    iovec room = ring_.room(allowed);
    if (!save_begun_records(room.iov_len)) continue;
    size_t count = 0;
    Master::Result result = master_.read(room, &count);
    if (master_.tampered() != tampered_told_) {
      tampered_told_ = master_.tampered();
      tell_all(kDueTampered);
    }
    switch (result) {
      case Master::Result::kBytes:
        if (ring_.head() == 0) tell_leader();
        ring_.commit(count);
        budget = count < budget ? budget - count : 0;
        hung_up_ = false;
        continue;
      case Master::Result::kInterrupted:
        more_ = true;
        return;
      case Master::Result::kHungUp:
        if (!hung_up_) tell_all(kDueHungUp);
        hung_up_ = true;
        return;
      case Master::Result::kNothing:
        hung_up_ = false;
        return;
    }
  }
  more_ = true;
}

// Before the ring overwrites them. A client for whom there is no memory is given up, and then there is one less.
bool Reader::save_begun_records(size_t count) {
  for (Client& client : clients_) {
    if (!client.used() || client.out.save(ring_, ring_.tail_after(count))) continue;
    remove_client(client);
    return false;
  }
  return true;
}

// In turns, so that a paste does not hold up a key of another client. A terminal that takes nothing keeps the input in
// its clients' queues; EPOLLOUT tells when it takes more.
void Reader::write_input() {
  if (!master_.valid()) {
    if (hang_up_wanted_ || exited_) drop_input();
    return;
  }
  bool wrote = true;
  while (wrote) {
    wrote = false;
    for (size_t i = 0; i < clients_.size(); i++) {
      Client& client = clients_[(turn_ + i) % clients_.size()];
      if (!client.used() || client.input.empty()) continue;
      if (!write_input_of(client)) return;
      wrote = true;
    }
    turn_++;
  }
}

// False when the terminal takes nothing more now.
bool Reader::write_input_of(Client& client) {
  iovec bytes = client.input.front(kWriteSize);
  size_t count = 0;
  switch (master_.write(bytes, &count)) {
    case Master::Result::kBytes:
      took(client, count);
      return true;
    case Master::Result::kHungUp:
      // No process has the terminal open, so no process will read it.
      took(client, bytes.iov_len);
      return true;
    case Master::Result::kInterrupted:
      more_ = true;
      return false;
    case Master::Result::kNothing:
      return false;
  }
  return false;
}

void Reader::took(Client& client, size_t count) {
  client.input.take(count);
  client.due |= kDueTyped;
}

void Reader::drop_input() {
  for (Client& client : clients_) {
    while (client.used() && !client.input.empty()) took(client, client.input.front(kInputCredit).iov_len);
  }
}

// The kernel forgets a leader that has died.
void Reader::tell_leader() {
  pid_t leader = master_.session_leader();
  if (leader > 0) leader_ = leader;
  family_.leader_is(leader_);
  if (console_came_) family_.console_came();
  link_.send(LinkRecord{LinkKind::kLeader, leader, console_came_ ? 1U : 0U});
}

// Before the console has come it is hung up on its arrival.
void Reader::hang_up() {
  hang_up_wanted_ = true;
  if (!master_.valid()) return;
  events_.remove(master_.fd());
  closer_ = close_in_child(master_.release());
  closer_until_ = now_ms() + kCloserMs;
  family_.ignore(closer_);
  if (!hung_up_) tell_all(kDueHungUp);
  hung_up_ = true;
  drop_input();
}

}  // namespace keeper
