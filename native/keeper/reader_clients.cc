// The reader's clients: who comes and goes, and what each is told next.
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reader.h"
#include "retry.h"

namespace keeper {

namespace {

// What a turn takes from one client at most, so that a flood of records delays the others little.
constexpr size_t kHeardPerTurn = 65536;

// Gives the records of one client to the reader.
struct Sink {
  Reader& reader;
  Client& client;

  int accept(const Header& header) { return reader.accept_record(client, header); }
  int piece(const Header&, const unsigned char* bytes, size_t length) {
    return reader.take_input(client, bytes, length);
  }
  int record(const Header& header, const unsigned char* payload) {
    return reader.handle_record(client, header, payload);
  }
};

const char* text_of(int error) {
  switch (error) {
    case EPROTO:
      return "the first record has to be hello";
    case EPROTONOSUPPORT:
      return "another version of the protocol";
    case EMSGSIZE:
      return "a record with a length that its kind does not have";
    case ENOBUFS:
      return "more than 64 KiB of input that typed has not confirmed";
    case EINVAL:
      return "an acknowledgement of output that has not come";
    default:
      return "no memory";
  }
}

}  // namespace

void Reader::accept_client() {
  common::UniqueFd socket = listener_.accept(events_);
  if (socket.valid()) add_client(static_cast<common::UniqueFd&&>(socket), false);
}

// False with errno set. A client for whom there is no place is told so, as far as its socket has room.
bool Reader::add_client(common::UniqueFd socket, bool creator) {
  prepare_client(socket.get());
  Client* client = clients_.take();
  if (client == nullptr) {
    static constexpr char kText[] = "16 clients are connected";
    SmallOutbox<sizeof(kText)> out;
    out.put(kError, EUSERS, kText, sizeof(kText) - 1);
    send(socket.get(), out.bytes(), out.length(), MSG_DONTWAIT | MSG_NOSIGNAL);
    errno = EUSERS;
    return false;
  }
  uint32_t place = static_cast<uint32_t>(client - clients_.begin());
  if (!events_.add(socket.get(), EPOLLIN, kClientFirst + place)) return false;
  client->socket = static_cast<common::UniqueFd&&>(socket);
  client->number = next_number_++;
  client->creator = creator;
  return true;
}

void Reader::remove_client(Client& client) {
  bool creator = client.creator;
  events_.remove(client.socket.get());
  client.clear();
  listener_.resume(events_);
  more_ = true;  // it may have held the reading back
  if (!creator) return;
  creator_gone_ = true;
  if (!kept_ && !left_) hang_up();
}

void Reader::hear(Client& client) {
  // Of this size all writable data of the executable fits into a page.
  static unsigned char bytes[2048];
  Sink sink{*this, client};
  for (size_t heard = 0; heard < kHeardPerTurn && client.used();) {
    ssize_t count =
        common::retry_on_eintr([&] { return recv(client.socket.get(), bytes, sizeof(bytes), MSG_DONTWAIT); });
    if (count == -1 && errno == EAGAIN) return;
    if (count <= 0) return remove_client(client);
    heard += static_cast<size_t>(count);
    if (client.closing) continue;
    int error = client.records.feed(bytes, static_cast<size_t>(count), sink);
    if (error != 0) client.fail(error, text_of(error), true);
    if (static_cast<size_t>(count) < sizeof(bytes)) return;
  }
}

void Reader::tell_all(uint32_t due) {
  for (Client& client : clients_) {
    if (client.used()) client.due |= due;
  }
}

void Reader::tell_clients() {
  for (Client& client : clients_) {
    if (!client.used()) continue;
    bool gone = !tell(client) || (client.closing && now_ms() >= client.close_at);
    if (gone) remove_client(client);
  }
}

bool Reader::tell(Client& client) {
  for (;;) {
    if (!client.out.empty()) {
      Sent sent = client.out.flush(client.socket.get(), ring_);
      if (sent == Sent::kGone) return false;
      if (sent == Sent::kFull) {
        wait_for_room(client, true);
        return true;
      }
    }
    if (!put_next(client)) break;
  }
  wait_for_room(client, false);
  if (client.closing) shutdown(client.socket.get(), SHUT_WR);
  return true;
}

void Reader::wait_for_room(Client& client, bool wait) {
  if (client.waits_for_room == wait) return;
  client.waits_for_room = wait;
  uint32_t place = static_cast<uint32_t>(&client - clients_.begin());
  events_.change(client.socket.get(), wait ? EPOLLIN | EPOLLOUT : EPOLLIN, kClientFirst + place);
}

bool Reader::put_next(Client& client) {
  if ((client.due & kDueError) != 0) {
    put_error(client);
    return true;
  }
  if (client.version == 0 || client.closing) return false;
  uint32_t due = client.due & ~static_cast<uint32_t>(kDueHungUp);
  if (due == 0) return put_output(client);
  uint32_t first = due & (~due + 1);
  client.due &= ~first;
  switch (first) {
    case kDueHello:
      put_hello(client);
      return true;
    case kDueTyped:
      client.out.put(kTyped, client.input.taken());
      return true;
    case kDueArrived:
      client.out.borrow(arrival_.record(), arrival_.record_length());
      return true;
    case kDueSize:
      client.out.put(kSize, size_, &size_by_, sizeof(size_by_));
      return true;
    case kDueRefused:
      put_refused(client);
      return true;
    case kDueTampered:
      client.out.put(kTampered, master_.tampered());
      return true;
    default:
      client.out.put(kLagging, ring_.head());
      return true;
  }
}

// Then what comes after the output: that the terminal was hung up, and the end.
bool Reader::put_output(Client& client) {
  uint64_t at = client.out.at();
  if (client.gets_output() && at < ring_.head()) {
    uint64_t tail = ring_.tail();
    if (at < tail) {
      client.out.seek(tail);
      client.out.put(kGap, at, &tail, sizeof(tail));
      return true;
    }
    client.out.put_output(ring_.head() - at > kMaxPayload ? at + kMaxPayload : ring_.head());
    return true;
  }
  if ((client.due & kDueHungUp) != 0) {
    client.due &= ~static_cast<uint32_t>(kDueHungUp);
    client.out.put(kHungUp, ring_.head());
    return true;
  }
  // A client that has not attached yet may be about to.
  if (!exited_ || client.exit_told || !client.attached) return false;
  client.exit_told = true;
  uint64_t end = ring_.head();
  client.out.put(kExit, status_, &end, sizeof(end));
  return true;
}

void Reader::put_hello(Client& client) {
  Hello hello;
  hello.head = ring_.head();
  hello.tail = ring_.tail();
  hello.acked = pace_.acked();
  hello.size = size_;
  hello.state = kStarting;
  if (console_came_ || container_ > 0) hello.state = kRunning;
  if (ended_) hello.state = kDraining;
  if (exited_) hello.state = kOver;
  hello.container = static_cast<uint32_t>(container_);
  hello.reader = static_cast<uint32_t>(getpid());
  hello.reaper = link_.valid() ? static_cast<uint32_t>(reaper_) : 0;
  for (const Client& other : clients_) hello.clients += other.used() ? 1 : 0;
  client.out.put(kHelloBack, kVersion, &hello, sizeof(hello));
}

void Reader::put_refused(Client& client) {
  const common::ConsoleVerdict& verdict = arrival_.verdict();
  Refused refused{verdict.error, verdict.seen.mode, verdict.seen.rdev_major, verdict.seen.rdev_minor};
  client.out.put(kRefused, arrival_.refusal(), &refused, sizeof(refused));
}

void Reader::put_error(Client& client) {
  client.due &= ~static_cast<uint32_t>(kDueError);
  client.out.put(kError, static_cast<uint64_t>(client.error), client.error_text, strlen(client.error_text));
}

}  // namespace keeper
