#include "runtime_output.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "retry.h"

namespace keeper {

bool RuntimeOutput::open(Events& events, common::UniqueFd (&streams)[2], uint32_t number) {
  number_ = number;
  for (uint32_t i = 0; i < 2; i++) {
    streams_[i].pipe = static_cast<common::UniqueFd&&>(streams[i]);
    if (!events.add(streams_[i].pipe.get(), EPOLLIN, number + i)) return false;
  }
  return true;
}

int RuntimeOutput::read(Events& events, unsigned char* bytes, size_t size, size_t* count) {
  for (int i = 0; i < 2; i++) {
    Stream& stream = streams_[i];
    if (!stream.pipe.valid() || stream.left == 0) continue;
    size_t wanted = stream.left < static_cast<int64_t>(size) ? static_cast<size_t>(stream.left) : size;
    ssize_t got = common::retry_on_eintr([&] { return ::read(stream.pipe.get(), bytes, wanted); });
    if (got > 0) {
      if (stream.left != kUnlimited) stream.left -= got;
      *count = static_cast<size_t>(got);
      return i + 1;
    }
    if (got == 0 || errno != EAGAIN) close(events, stream);
    // Less than was counted: another process has read from the pipe.
    if (stream.left != kUnlimited) stream.left = 0;
  }
  return 0;
}

void RuntimeOutput::close(Events& events, Stream& stream) {
  events.remove(stream.pipe.get());
  stream.pipe.reset();
  stream.left = 0;
}

void RuntimeOutput::pause(Events& events) {
  if (paused_) return;
  paused_ = true;
  for (uint32_t i = 0; i < 2; i++) {
    if (streams_[i].pipe.valid()) events.change(streams_[i].pipe.get(), 0, number_ + i);
  }
}

void RuntimeOutput::resume(Events& events) {
  if (!paused_) return;
  paused_ = false;
  for (uint32_t i = 0; i < 2; i++) {
    if (streams_[i].pipe.valid()) events.change(streams_[i].pipe.get(), EPOLLIN, number_ + i);
  }
}

void RuntimeOutput::runtime_ended() {
  for (Stream& stream : streams_) {
    int waiting = 0;
    bool counted = stream.pipe.valid() && ioctl(stream.pipe.get(), FIONREAD, &waiting) == 0;
    stream.left = counted && stream.left > 0 ? waiting : 0;
  }
}

void RuntimeOutput::abandon(Events& events) {
  for (Stream& stream : streams_) stream.left = 0;
  resume(events);
}

bool RuntimeOutput::complete() const {
  return streams_[0].left == 0 && streams_[1].left == 0;
}

// One read per event, so that a flood does not delay other events.
void RuntimeOutput::discard(Events& events, uint32_t index) {
  Stream& stream = streams_[index];
  if (!stream.pipe.valid()) return;
  unsigned char bytes[4096];
  ssize_t got = common::retry_on_eintr([&] { return ::read(stream.pipe.get(), bytes, sizeof(bytes)); });
  if (got == 0 || (got == -1 && errno != EAGAIN)) close(events, stream);
}

}  // namespace keeper
