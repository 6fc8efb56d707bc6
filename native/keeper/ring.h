// The newest output of the console. Every byte has an offset: the number of output bytes before it.
#pragma once

#include <stdint.h>
#include <sys/uio.h>

#include "pages.h"

namespace keeper {

inline constexpr size_t kMinRing = 4096;
inline constexpr size_t kDefaultRing = 262144;
inline constexpr size_t kMaxRing = 67108864;

class Ring {
 public:
  // False with errno set.
  bool open(size_t capacity) { return pages_.allocate(capacity); }

  size_t capacity() const { return pages_.size(); }
  // The offset of the next byte.
  uint64_t head() const { return head_; }
  // The offset of the oldest byte that is left.
  uint64_t tail() const { return tail_after(0); }
  // What `tail` will be when `count` more bytes have come.
  uint64_t tail_after(size_t count) const {
    uint64_t end = head_ + count;
    return end > capacity() ? end - capacity() : 0;
  }

  // Room for the next bytes in one piece, at most `wanted`. They count once they are committed.
  iovec room(size_t wanted);
  void commit(size_t count) { head_ += count; }

  // The bytes from `from` to `to`, which must lie between tail and head, in at most two pieces. Returns their number.
  int pieces(uint64_t from, uint64_t to, iovec (&pieces)[2]) const;

 private:
  Pages pages_;
  uint64_t head_ = 0;
};

}  // namespace keeper
