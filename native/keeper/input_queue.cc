#include "input_queue.h"

#include <string.h>

namespace keeper {

namespace {

// A person's keys stay within one page, which is kept. A paste reaches further, and its pages go when it is through.
constexpr size_t kKept = 4096;

}  // namespace

bool InputQueue::add(const unsigned char* bytes, size_t length) {
  if (length == 0) return true;
  if (pages_.size() == 0 && !pages_.allocate(kInputCredit)) return false;
  size_t place = (start_ + length_) % kInputCredit;
  size_t first = kInputCredit - place;
  if (first > length) first = length;
  memcpy(pages_.get() + place, bytes, first);
  memcpy(pages_.get(), bytes + first, length - first);
  length_ += length;
  size_t end = start_ + length_;
  if (end > reached_) reached_ = end;
  return true;
}

iovec InputQueue::front(size_t limit) const {
  size_t length = kInputCredit - start_;
  if (length > length_) length = length_;
  return iovec{pages_.get() + start_, length < limit ? length : limit};
}

void InputQueue::take(size_t count) {
  taken_ += count;
  length_ -= count;
  start_ = (start_ + count) % kInputCredit;
  if (length_ > 0) return;
  start_ = 0;
  if (reached_ > kKept) pages_.free();
  reached_ = 0;
}

void InputQueue::clear() {
  pages_.free();
  start_ = length_ = reached_ = 0;
  taken_ = 0;
}

}  // namespace keeper
