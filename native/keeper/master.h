// The PTY master. Others may hold a copy of it: whoever sent it, and the children of that process. They share its
// flags, so no call here is sure to return at once (alarm.h), and the process that holds it does nothing that others
// wait for.
#pragma once

#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "alarm.h"
#include "unique_fd.h"

namespace keeper {

class Master {
 public:
  explicit Master(Alarm& alarm) : alarm_(alarm) {}

  bool valid() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }
  void adopt(common::UniqueFd fd);
  common::UniqueFd release() { return static_cast<common::UniqueFd&&>(fd_); }

  // A new turn of the loop: O_NONBLOCK is looked at again before the next call.
  void new_turn() { looked_ = false; }

  enum class Result : uint8_t {
    kBytes,
    kNothing,      // no output, or no room for input
    kInterrupted,  // the call had to be freed, so somebody had made it block
    kHungUp,       // no process has the terminal open
  };
  Result read(iovec room, size_t* count);
  Result write(iovec bytes, size_t* count);

  // False when the terminal did not take it.
  bool set_size(uint16_t columns, uint16_t rows);
  bool set_onlcr(bool on);
  // The session leader of the terminal, or 0.
  pid_t session_leader();

  // How often another holder was found to have made calls block.
  uint64_t tampered() const { return tampered_; }

 private:
  void look();
  Result failure();

  Alarm& alarm_;
  common::UniqueFd fd_;
  bool looked_ = false;
  uint64_t tampered_ = 0;
};

}  // namespace keeper
