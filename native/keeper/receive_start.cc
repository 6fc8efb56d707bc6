#include "receive_start.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "command.h"
#include "control_message.h"
#include "outbox.h"
#include "record_reader.h"

namespace keeper {

namespace {

constexpr size_t kMaxDescriptors = 4;

class Listener {
 public:
  explicit Listener(int socket, Start* start) : socket_(socket), start_(start) {}

  bool started() const { return started_; }

  int accept(const Header& header) {
    if (version_ == 0 && header.kind != kHello) return tell(EPROTO, "the first record has to be hello");
    if (header.kind == kHello) return 0;
    if (version_ != kVersion) return tell(EPROTONOSUPPORT, "another version of the protocol");
    if (header.kind != kStart) return tell(EPROTO, "expected start");
    return begin(header);
  }

  int piece(const Header&, const unsigned char* bytes, size_t length) {
    memcpy(start_->body.get() + length_, bytes, length);
    length_ += length;
    return 0;
  }

  int record(const Header& header, const unsigned char*) {
    if (header.kind == kHello) {
      version_ = header.value;
      return greet();
    }
    if (header.value > 0) return 0;
    const char* problem = "no memory for start";
    int error = parse_start(start_, length_, &problem);
    if (error == 0) {
      error = take_descriptors(start_, fds_, fd_count_);
      fd_count_ = 0;
      problem = "start has other descriptors than it says";
    }
    if (error != 0) return tell(error, problem);
    started_ = true;
    return 0;
  }

  int keep(const common::ControlData& control) {
    for (size_t i = 0; i < control.fd_count; i++) {
      if (fd_count_ == kMaxDescriptors) return tell(EBADF, "start has other descriptors than it says");
      fds_[fd_count_++] = control.fds[i];
    }
    return 0;
  }

 private:
  int begin(const Header& header) {
    if (started_) return tell(EALREADY, "start came twice");
    if (header.value > kMaxStart || length_ + header.length + header.value > kMaxStart) {
      return tell(E2BIG, "start is longer than 4 MiB");
    }
    size_t total = length_ + header.length + static_cast<size_t>(header.value);
    if (length_ > 0) return total == start_->body.size() ? 0 : tell(EINVAL, "start's parts do not fit together");
    // The length that was asked for, which mmap(2) rounds up to pages.
    return total > 0 && start_->body.allocate(total) ? 0 : tell(EINVAL, "start is empty");
  }

  int greet() {
    Hello hello;
    hello.reader = static_cast<uint32_t>(getpid());
    hello.clients = 1;
    return put(kHelloBack, kVersion, &hello, sizeof(hello));
  }

  int tell(int error, const char* text) {
    put(kError, static_cast<uint64_t>(error), text, strlen(text));
    return error;
  }

  // Waits for room: there is nobody else yet whom this could hold up.
  int put(uint16_t kind, uint64_t value, const void* payload, size_t length) {
    SmallOutbox<128> out;
    out.put(kind, value, payload, length);
    ssize_t sent = send(socket_, out.bytes(), out.length(), MSG_NOSIGNAL);
    return sent == static_cast<ssize_t>(out.length()) ? 0 : EPIPE;
  }

  int socket_;
  Start* start_;
  uint64_t version_ = 0;
  size_t length_ = 0;
  bool started_ = false;
  int fds_[kMaxDescriptors] = {};
  size_t fd_count_ = 0;
};

}  // namespace

// A record at a time, so that what follows kStart stays in the socket for the reaper.
bool receive_start(int socket, Start* start) {
  RecordReader records;
  Listener listener(socket, start);
  unsigned char bytes[1024];
  while (!listener.started()) {
    size_t wanted = records.wanted();
    if (wanted > sizeof(bytes)) wanted = sizeof(bytes);
    common::ControlData control;
    ssize_t count = common::receive_message(socket, bytes, wanted, &control, 0);
    if (count <= 0 || listener.keep(control) != 0) return false;
    if (records.feed(bytes, static_cast<size_t>(count), listener) != 0) return false;
  }
  return true;
}

void tell_not_started(int socket, int error) {
  SmallOutbox<sizeof(int32_t)> out;
  constexpr int32_t kStep = ExecFailure::kExec;
  out.put(kNotStarted, static_cast<uint64_t>(error), &kStep, sizeof(kStep));
  send(socket, out.bytes(), out.length(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace keeper
