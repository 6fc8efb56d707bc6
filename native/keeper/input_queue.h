// What a client typed and the terminal has not taken yet: at most its credit.
#pragma once

#include <stdint.h>
#include <sys/uio.h>

#include "pages.h"
#include "protocol.h"

namespace keeper {

class InputQueue {
 public:
  bool empty() const { return length_ == 0; }
  size_t room() const { return kInputCredit - length_; }
  // Bytes that the terminal took or that were dropped, since the beginning.
  uint64_t taken() const { return taken_; }

  // At most `room` bytes. False without memory.
  bool add(const unsigned char* bytes, size_t length);
  // The oldest bytes in one piece, at most `limit`.
  iovec front(size_t limit) const;
  void take(size_t count);
  void clear();

 private:
  Pages pages_;
  size_t start_ = 0;
  size_t length_ = 0;
  size_t reached_ = 0;  // the end of what has been written to since the queue was empty
  uint64_t taken_ = 0;
};

}  // namespace keeper
