// libFuzzer's target for what console-keeper reads and sends. The first byte of an input says which part:
//   records   any bytes in any pieces give the records that they give in one, and nothing beyond a payload's limit
//   start     any body gives strings within it, or an errno
//   output    however the ring is overwritten and the socket takes bytes, a client gets whole records, each byte at its
//             offset
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../common/unique_fd.h"
#include "../keeper/outbox.h"
#include "../keeper/record_reader.h"
#include "../keeper/ring.h"
#include "../keeper/start.h"

namespace {

void expect(bool good, const char* what) {
  if (good) return;
  (void)fprintf(stderr, "expected %s\n", what);
  abort();
}

// What a client of the reader would be told, as one number; a payload that is streamed counts by its bytes.
struct Sink {
  uint64_t seen = 14695981039346656037U;
  uint32_t streamed = 0;
  int refuses = 0;

  void mix(const void* bytes, size_t length) {
    for (size_t i = 0; i < length; i++) seen = (seen ^ static_cast<const unsigned char*>(bytes)[i]) * 1099511628211U;
  }

  int accept(const keeper::Header& header) {
    const keeper::Rule* rule = keeper::rule_of(header.kind);
    expect(rule != nullptr, "a known kind");
    expect(header.length >= rule->min_payload && header.length <= rule->max_payload, "an allowed length");
    mix(&header, sizeof(header));
    streamed = 0;
    return header.value == UINT64_MAX - 7 ? EPROTO : 0;
  }
  int piece(const keeper::Header& header, const unsigned char* bytes, size_t length) {
    streamed += static_cast<uint32_t>(length);
    expect(length > 0 && streamed <= header.length, "no more than the payload");
    mix(bytes, length);
    return 0;
  }
  int record(const keeper::Header& header, const unsigned char* payload) {
    bool streams = header.kind == keeper::kInput || header.kind == keeper::kStart;
    if (streams) expect(streamed == header.length, "the whole payload");
    const keeper::Rule* rule = keeper::rule_of(header.kind);
    if (!streams && !rule->reserved) mix(payload, header.length);
    return 0;
  }
};

// The first byte is the length of the first piece, and so on.
void read_records(const uint8_t* data, size_t size) {
  keeper::RecordReader whole;
  Sink at_once;
  int error = whole.feed(data, size, at_once);
  keeper::RecordReader pieces;
  Sink in_pieces;
  int piece_error = 0;
  for (size_t from = 0; from < size && piece_error == 0;) {
    size_t length = size_t{data[from]} % 23 + 1;
    if (length > size - from) length = size - from;
    piece_error = pieces.feed(data + from, length, in_pieces);
    from += length;
  }
  expect(error == piece_error && at_once.seen == in_pieces.seen, "the same records");
}

void read_start(const uint8_t* data, size_t size) {
  if (size == 0) return;
  keeper::Start start;
  expect(start.body.allocate(size), "memory");
  memcpy(start.body.get(), data, size);
  const char* problem = nullptr;
  int error = keeper::parse_start(&start, size, &problem);
  if (error != 0) {
    expect(problem != nullptr, "a text with an error");
    return;
  }
  const char* body = reinterpret_cast<const char*>(start.body.get());
  const auto within = [&](const char* text) {
    expect(text >= body && text < body + size && memchr(text, '\0', size - (text - body)) != nullptr, "a string of it");
  };
  within(start.directory);
  within(start.console_path);
  within(start.pid_file);
  for (uint32_t i = 0; i < start.options.argument_count; i++) within(start.arguments[i]);
  for (uint32_t i = 0; i < start.options.variable_count; i++) within(start.variables[i]);
  expect(start.arguments[start.options.argument_count] == nullptr, "an end of the arguments");
  expect(start.variables[start.options.variable_count] == nullptr, "an end of the variables");
  expect(
      keeper::take_descriptors(&start, nullptr, 0) == ((start.options.flags & keeper::kStartDescriptors) ? EBADF : 0),
      "a descriptor for each flag");
}

unsigned char byte_at(uint64_t offset) {
  return static_cast<unsigned char>(offset * 31 + (offset >> 8));
}

// A client's end: cuts what comes into records, and compares.
class Receiver {
 public:
  explicit Receiver(int socket) : socket_(socket) {}

  void take(size_t limit) {
    unsigned char bytes[4096];
    if (limit > sizeof(bytes)) limit = sizeof(bytes);
    ssize_t count = recv(socket_, bytes, limit, MSG_DONTWAIT);
    for (ssize_t i = 0; i < count; i++) take_byte(bytes[i]);
  }
  bool between_records() const { return filled_ == 0 && left_ == 0; }
  uint64_t at() const { return at_; }

 private:
  void take_byte(unsigned char byte) {
    if (left_ > 0) {
      left_--;
      if (header_.kind == keeper::kOutput) expect(byte == byte_at(at_++), "the byte of its offset");
      return;
    }
    head_[filled_++] = byte;
    if (filled_ < sizeof(head_)) return;
    filled_ = 0;
    memcpy(&header_, head_, sizeof(header_));
    left_ = header_.length;
    expect(header_.kind == keeper::kOutput || header_.kind == keeper::kGap, "a record that was sent");
    if (header_.kind == keeper::kOutput) expect(header_.value == at_ && left_ > 0, "no hole");
    if (header_.kind == keeper::kGap) at_ = header_.value;
  }

  int socket_;
  unsigned char head_[sizeof(keeper::Header)];
  size_t filled_ = 0;
  keeper::Header header_;
  uint32_t left_ = 0;
  uint64_t at_ = 0;
};

class Sender {
 public:
  Sender(int socket) : socket_(socket) { expect(ring_.open(keeper::kMinRing), "a ring"); }

  void write(size_t length) {
    while (length > 0) {
      iovec room = ring_.room(length);
      expect(out_.save(ring_, ring_.tail_after(room.iov_len)), "memory");
      for (size_t i = 0; i < room.iov_len; i++) {
        static_cast<unsigned char*>(room.iov_base)[i] = byte_at(ring_.head() + i);
      }
      ring_.commit(room.iov_len);
      length -= room.iov_len;
    }
  }
  bool send() {
    if (out_.empty()) {
      if (out_.at() == ring_.head()) return false;
      if (out_.at() < ring_.tail()) {
        out_.seek(ring_.tail());
        out_.put(keeper::kGap, out_.at());
      } else {
        out_.put_output(ring_.head());
      }
    }
    return out_.flush(socket_, ring_) == keeper::Sent::kAll;
  }
  uint64_t head() const { return ring_.head(); }

 private:
  int socket_;
  keeper::Ring ring_;
  keeper::Outbox out_;
};

void send_output(const uint8_t* data, size_t size) {
  int ends[2];
  expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "a pair");
  common::UniqueFd ours(ends[0]);
  common::UniqueFd theirs(ends[1]);
  constexpr int kSmall = 1;
  setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &kSmall, sizeof(kSmall));
  Sender sender(ours.get());
  Receiver receiver(theirs.get());
  for (size_t i = 0; i + 1 < size && i < 200; i += 2) {
    size_t amount = data[i + 1];
    switch (data[i] % 3) {
      case 0:
        sender.write(amount * 17 % 4000);
        break;
      case 1:
        sender.send();
        break;
      default:
        receiver.take(amount * 7 + 1);
    }
  }
  // The rest, with a client that reads.
  for (int turns = 0; turns < 1000 && (!receiver.between_records() || receiver.at() != sender.head()); turns++) {
    while (sender.send()) continue;
    receiver.take(4096);
  }
  expect(receiver.between_records() && receiver.at() == sender.head(), "everything to come");
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name for it
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // Of just this size, so that the sanitizer sees every step beyond it.
  size_t length = size - 1;
  auto* input = static_cast<uint8_t*>(malloc(length > 0 ? length : 1));
  if (input == nullptr) return 0;
  memcpy(input, data + 1, length);
  switch (data[0] % 3) {
    case 0:
      read_records(input, length);
      break;
    case 1:
      read_start(input, length);
      break;
    default:
      send_output(input, length);
  }
  free(input);
  return 0;
}
