#include "ring.h"

namespace keeper {

iovec Ring::room(size_t wanted) {
  size_t place = head_ % capacity();
  size_t length = capacity() - place;
  return iovec{pages_.get() + place, wanted < length ? wanted : length};
}

int Ring::pieces(uint64_t from, uint64_t to, iovec (&pieces)[2]) const {
  size_t length = to - from;
  if (length == 0) return 0;
  size_t place = from % capacity();
  size_t first = capacity() - place;
  if (first >= length) {
    pieces[0] = iovec{pages_.get() + place, length};
    return 1;
  }
  pieces[0] = iovec{pages_.get() + place, first};
  pieces[1] = iovec{pages_.get(), length - first};
  return 2;
}

}  // namespace keeper
