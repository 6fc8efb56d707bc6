// Cuts what a client sends into records (protocol.h), which may come in any pieces.
//
// A sink has these members; each returns 0, or the errno for which the client is given up:
//   int accept(const Header&)                             a known record begins, with a length that is allowed
//   int piece(const Header&, const unsigned char*, size_t)  a part of kInput's or kStart's payload
//   int record(const Header&, const unsigned char* payload) a record is complete; kInput's and kStart's have no payload
#pragma once

#include <errno.h>
#include <string.h>

#include "protocol.h"

namespace keeper {

class RecordReader {
 public:
  // How many bytes the current header or payload still lacks.
  size_t wanted() const { return mode_ == Mode::kHeader ? sizeof(Header) - filled_ : left_; }

  template <typename Sink>
  int feed(const unsigned char* bytes, size_t length, Sink& sink) {
    while (length > 0) {
      size_t used = 0;
      int error = step(bytes, length, &used, sink);
      if (error != 0) return error;
      bytes += used;
      length -= used;
    }
    return 0;
  }

 private:
  static constexpr size_t kMaxCollected = 64;

  enum class Mode : uint8_t { kHeader, kCollect, kStream, kSkip };

  template <typename Sink>
  int step(const unsigned char* bytes, size_t length, size_t* used, Sink& sink) {
    if (mode_ == Mode::kHeader) {
      *used = collect(bytes, length, sizeof(Header) - filled_);
      return filled_ < sizeof(Header) ? 0 : begin(sink);
    }
    size_t count = length < left_ ? length : left_;
    if (mode_ == Mode::kCollect) collect(bytes, length, left_);
    *used = count;
    left_ -= static_cast<uint32_t>(count);
    if (mode_ == Mode::kStream) {
      int error = sink.piece(header_, bytes, count);
      if (error != 0) return error;
    }
    return left_ > 0 ? 0 : end(sink);
  }

  size_t collect(const unsigned char* bytes, size_t length, size_t wanted) {
    size_t count = length < wanted ? length : wanted;
    memcpy(collected_ + filled_, bytes, count);
    filled_ += count;
    return count;
  }

  template <typename Sink>
  int begin(Sink& sink) {
    memcpy(&header_, collected_, sizeof(header_));
    filled_ = 0;
    known_ = rule_of(header_.kind);
    if (header_.length > kMaxPayload) return EMSGSIZE;
    if (known_ != nullptr) {
      if (header_.length < known_->min_payload || header_.length > known_->max_payload) return EMSGSIZE;
      int error = sink.accept(header_);
      if (error != 0) return error;
    }
    left_ = header_.length;
    mode_ = mode_of(header_.kind);
    return left_ > 0 ? 0 : end(sink);
  }

  Mode mode_of(uint16_t kind) const {
    if (known_ == nullptr || known_->reserved) return Mode::kSkip;
    return kind == kInput || kind == kStart ? Mode::kStream : Mode::kCollect;
  }

  template <typename Sink>
  int end(Sink& sink) {
    mode_ = Mode::kHeader;
    filled_ = 0;
    return known_ == nullptr ? 0 : sink.record(header_, collected_);
  }

  Mode mode_ = Mode::kHeader;
  const Rule* known_ = nullptr;
  Header header_;
  uint32_t left_ = 0;
  size_t filled_ = 0;
  unsigned char collected_[kMaxCollected];
};

}  // namespace keeper
