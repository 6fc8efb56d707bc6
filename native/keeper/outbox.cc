#include "outbox.h"

#include <errno.h>
#include <sys/socket.h>

#include "retry.h"

namespace keeper {

Sent unsent(int error) {
  return error == EAGAIN || error == ENOMEM || error == ENOBUFS ? Sent::kFull : Sent::kGone;
}

Sent send_pieces(int socket, iovec* pieces, int count, size_t* sent) {
  size_t length = 0;
  for (int i = 0; i < count; i++) length += pieces[i].iov_len;
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
  ssize_t taken = common::retry_on_eintr([&] { return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL); });
  if (taken == -1) return unsent(errno);
  *sent += static_cast<size_t>(taken);
  return static_cast<size_t>(taken) == length ? Sent::kAll : Sent::kFull;
}

void Outbox::put_output(uint64_t end) {
  small_.put_header(Header{static_cast<uint32_t>(end - at_), kOutput, 0, at_});
  end_ = end;
}

Sent Outbox::flush(int socket, const Ring& ring) {
  iovec pieces[4];
  int count = 0;
  size_t small_length = small_.length();
  if (small_length > 0) pieces[count++] = iovec{const_cast<unsigned char*>(small_.bytes()), small_length};
  size_t rest_length = rest_to_ - rest_from_;
  if (rest_length > 0) pieces[count++] = iovec{rest_.get() + rest_from_, rest_length};
  iovec body[2];
  int body_count = ring.pieces(at_, end_, body);
  for (int i = 0; i < body_count; i++) pieces[count++] = body[i];
  if (count == 0) return Sent::kAll;

  size_t sent = 0;
  Sent result = send_pieces(socket, pieces, count, &sent);
  size_t of_small = sent < small_length ? sent : small_length;
  small_.take(of_small);
  sent -= of_small;
  size_t of_rest = sent < rest_length ? sent : rest_length;
  rest_from_ += of_rest;
  at_ += sent - of_rest;
  if (rest_from_ == rest_to_ && rest_to_ > 0) {
    rest_.free();
    rest_from_ = rest_to_ = 0;
  }
  return result;
}

bool Outbox::save(const Ring& ring, uint64_t tail) {
  if (at_ == end_ || at_ >= tail) return true;
  // A second rest cannot be: the bytes of one record go aside all at once.
  size_t length = end_ - at_;
  if (!rest_.allocate(length)) return false;
  iovec body[2];
  int count = ring.pieces(at_, end_, body);
  for (int i = 0; i < count; i++) {
    memcpy(rest_.get() + rest_to_, body[i].iov_base, body[i].iov_len);
    rest_to_ += body[i].iov_len;
  }
  at_ = end_;
  return true;
}

void Outbox::clear() {
  small_.clear();
  rest_.free();
  rest_from_ = rest_to_ = 0;
  at_ = end_ = 0;
}

}  // namespace keeper
