// The reaper's clients: who comes and goes, and what each is told next.
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_message.h"
#include "reaper.h"
#include "retry.h"

namespace keeper {

namespace {

struct Sink {
  Reaper& reaper;
  ReaperClient& client;

  int accept(const Header& header) { return reaper.accept_record(client, header); }
  int piece(const Header&, const unsigned char*, size_t) { return 0; }
  int record(const Header& header, const unsigned char*) { return reaper.handle_record(client, header); }
};

const char* text_of(int error) {
  switch (error) {
    case EPROTO:
      return "the first record has to be hello";
    case EPROTONOSUPPORT:
      return "another version of the protocol";
    default:
      return "a record with a length that its kind does not have";
  }
}

}  // namespace

void Reaper::accept_client() {
  common::UniqueFd socket = listener_.accept(events_);
  if (socket.valid()) add_client(static_cast<common::UniqueFd&&>(socket), false);
}

bool Reaper::add_client(common::UniqueFd socket, bool creator) {
  prepare_client(socket.get());
  ReaperClient* client = clients_.take();
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
  client->creator = creator;
  return true;
}

void Reaper::remove_client(ReaperClient& client) {
  bool creator = client.creator;
  events_.remove(client.socket.get());
  client.clear();
  listener_.resume(events_);
  if (!creator) return;
  creator_gone_ = true;
  output_.abandon(events_);
  bulk_.free();
  bulk_from_ = bulk_to_ = 0;
}

void Reaper::hear(ReaperClient& client) {
  unsigned char bytes[256];
  Sink sink{*this, client};
  ssize_t count = common::retry_on_eintr([&] { return recv(client.socket.get(), bytes, sizeof(bytes), MSG_DONTWAIT); });
  if (count == -1 && errno == EAGAIN) return;
  if (count <= 0) return remove_client(client);
  if (client.closing) return;
  int error = client.records.feed(bytes, static_cast<size_t>(count), sink);
  if (error != 0) client.fail(error, text_of(error), true);
}

void Reaper::happen(uint32_t due) {
  happened_ |= due;
  for (ReaperClient& client : clients_) {
    if (client.used()) client.due |= due;
  }
}

void Reaper::handle_output(uint32_t index) {
  if (creator_gone_ || output_.complete()) return output_.discard(events_, index);
  for (ReaperClient& client : clients_) {
    if (!client.used() || !client.creator) continue;
    // No room: the command waits, as it does for any reader of a pipe.
    if (!is_flushed(client)) output_.pause(events_);
  }
}

void Reaper::tell_clients() {
  for (ReaperClient& client : clients_) {
    if (client.used() && !tell(client)) remove_client(client);
  }
}

bool Reaper::tell(ReaperClient& client) {
  for (;;) {
    if (!is_flushed(client)) {
      Sent sent = flush(client);
      if (sent == Sent::kGone) return false;
      if (sent == Sent::kFull) {
        wait_for_room(client, true);
        return !client.closing;
      }
    }
    if (!put_next(client)) break;
  }
  wait_for_room(client, false);
  if (client.creator) output_.resume(events_);
  return !client.closing;
}

// The pidfd goes with the first byte, and only once.
Sent Reaper::flush(ReaperClient& client) {
  if (client.passes_pidfd && pidfd_.valid()) {
    int pidfd = pidfd_.get();
    ssize_t taken =
        common::send_message(client.socket.get(), client.out.bytes(), client.out.length(), &pidfd, 1, MSG_DONTWAIT);
    if (taken == -1) return unsent(errno);
    client.out.take(static_cast<size_t>(taken));
  }
  client.passes_pidfd = false;
  size_t small = client.out.length();
  size_t bulk = client.creator ? bulk_to_ - bulk_from_ : 0;
  iovec pieces[] = {{const_cast<unsigned char*>(client.out.bytes()), small}, {bulk_.get() + bulk_from_, bulk}};
  if (small + bulk == 0) return Sent::kAll;
  size_t sent = 0;
  Sent result = send_pieces(client.socket.get(), pieces, 2, &sent);
  size_t of_small = sent < small ? sent : small;
  client.out.take(of_small);
  if (client.creator) bulk_from_ += sent - of_small;
  return result;
}

bool Reaper::is_flushed(const ReaperClient& client) const {
  return client.out.empty() && (!client.creator || bulk_from_ == bulk_to_);
}

void Reaper::wait_for_room(ReaperClient& client, bool wait) {
  if (client.waits_for_room == wait) return;
  client.waits_for_room = wait;
  uint32_t place = static_cast<uint32_t>(&client - clients_.begin());
  events_.change(client.socket.get(), wait ? EPOLLIN | EPOLLOUT : EPOLLIN, kClientFirst + place);
}

bool Reaper::put_next(ReaperClient& client) {
  if (client.version == 0 || client.closing) {
    if ((client.due & kTellError) == 0) return false;
    put(client, kTellError);
    return true;
  }
  constexpr uint32_t kBeforeOutput = kTellRuntimeEnded - 1;
  uint32_t due = client.due & kBeforeOutput;
  if (due == 0 && put_output(client)) return true;
  if (due == 0) due = client.due;
  if (due == 0) return false;
  put(client, due & (~due + 1));
  return true;
}

bool Reaper::put_output(ReaperClient& client) {
  if (!client.creator) return false;
  constexpr size_t kPiece = 4096;
  if (output_.complete()) {
    bulk_.free();
    bulk_from_ = bulk_to_ = 0;
    return false;
  }
  // Without memory for it the output waits in its pipe.
  if (bulk_.size() == 0 && !bulk_.allocate(kPiece)) return false;
  size_t count = 0;
  int stream = output_.read(events_, bulk_.get(), kPiece, &count);
  if (stream == 0) return false;
  bulk_from_ = 0;
  bulk_to_ = count;
  client.out.put_header(Header{static_cast<uint32_t>(count), kRuntimeOutput, 0, static_cast<uint64_t>(stream)});
  return true;
}

void Reaper::put_hello(ReaperClient& client) {
  Hello hello;
  hello.state = started_ ? kRunning : kStarting;
  if (ended_) hello.state = kDraining;
  if (over_) hello.state = kOver;
  hello.container = static_cast<uint32_t>(container_);
  hello.reader = static_cast<uint32_t>(reader_);
  hello.reaper = static_cast<uint32_t>(getpid());
  for (const ReaperClient& other : clients_) hello.clients += other.used() ? 1 : 0;
  client.out.put(kHelloBack, kVersion, &hello, sizeof(hello));
}

void Reaper::put(ReaperClient& client, uint32_t due) {
  client.due &= ~due;
  switch (due) {
    case kTellHello:
      return put_hello(client);
    case kTellError:
      return client.out.put(kError, static_cast<uint64_t>(client.error), client.error_text, strlen(client.error_text));
    case kTellStarted:
      return client.out.put(kStarted, static_cast<uint64_t>(command_.pid), nullptr, 0);
    case kTellNotStarted:
      return client.out.put(kNotStarted, static_cast<uint64_t>(failed_errno_), &failed_step_, sizeof(failed_step_));
    case kTellChild:
      client.passes_pidfd = true;
      return client.out.put(kChild, static_cast<uint64_t>(container_), nullptr, 0);
    case kTellRuntimeEnded: {
      uint32_t came = console_came_ ? 1 : 0;
      return client.out.put(kRuntimeEnded, static_cast<uint32_t>(runtime_status_), &came, sizeof(came));
    }
    case kTellEnded:
      return client.out.put(kEnded, status_, nullptr, 0);
    default:
      client.exit_told = true;
      return client.out.put(kExit, status_, nullptr, 0);
  }
}

}  // namespace keeper
