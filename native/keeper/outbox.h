// What is on its way to a client: the rest of one record that has begun. A record is begun only when the one before it
// has left, so nothing queues up here.
#pragma once

#include <stdint.h>
#include <string.h>

#include "pages.h"
#include "protocol.h"
#include "ring.h"

namespace keeper {

enum class Sent : uint8_t {
  kAll,
  kFull,  // the client's socket has no room, or the kernel no memory
  kGone,  // the client has closed its end
};

// Records of at most kCapacity bytes of payload.
template <size_t kCapacity>
class SmallOutbox {
 public:
  bool empty() const { return from_ == to_; }
  const unsigned char* bytes() const { return (borrowed_ != nullptr ? borrowed_ : bytes_) + from_; }
  size_t length() const { return to_ - from_; }
  void take(size_t count) { from_ += count; }
  void clear() { from_ = to_ = 0; }

  // A whole record that stays where it is.
  void borrow(const unsigned char* record, size_t length) {
    borrowed_ = record;
    from_ = 0;
    to_ = length;
  }

  // A text that is too long is cut.
  void put(uint16_t kind, uint64_t value, const void* payload, size_t length) {
    if (length > kCapacity) length = kCapacity;
    Header header{static_cast<uint32_t>(length), kind, 0, value};
    borrowed_ = nullptr;
    memcpy(bytes_, &header, sizeof(header));
    if (length > 0) memcpy(bytes_ + sizeof(header), payload, length);
    from_ = 0;
    to_ = sizeof(header) + length;
  }

  // A header, whose payload is elsewhere.
  void put_header(const Header& header) {
    borrowed_ = nullptr;
    memcpy(bytes_, &header, sizeof(header));
    from_ = 0;
    to_ = sizeof(header);
  }

 private:
  const unsigned char* borrowed_ = nullptr;
  size_t from_ = 0;
  size_t to_ = 0;
  unsigned char bytes_[sizeof(Header) + kCapacity];
};

// What a failed send(2) means.
Sent unsent(int error);

// sendmsg(2) of `count` pieces, without waiting. Adds to `sent` what the socket took.
Sent send_pieces(int socket, iovec* pieces, int count, size_t* sent);

// The reader's, whose long records lie in the ring.
class Outbox {
 public:
  static constexpr size_t kCapacity = 80;

  bool empty() const { return small_.empty() && rest_from_ == rest_to_ && at_ == end_; }

  // The offset of the next output byte to send.
  uint64_t at() const { return at_; }
  // Only while no output is on its way.
  void seek(uint64_t offset) { at_ = end_ = offset; }

  void put(uint16_t kind, uint64_t value, const void* payload = nullptr, size_t length = 0) {
    small_.put(kind, value, payload, length);
  }
  void borrow(const unsigned char* record, size_t length) { small_.borrow(record, length); }
  // The output from `at` to `end`, at most kMaxPayload bytes, which the ring has.
  void put_output(uint64_t end);

  Sent flush(int socket, const Ring& ring);

  // Copies aside what of a begun record is older than `tail`, because the ring is about to overwrite it. False without
  // memory.
  bool save(const Ring& ring, uint64_t tail);

  void clear();

 private:
  SmallOutbox<kCapacity> small_;
  uint64_t at_ = 0;
  uint64_t end_ = 0;
  Pages rest_;
  size_t rest_from_ = 0;
  size_t rest_to_ = 0;
};

}  // namespace keeper
