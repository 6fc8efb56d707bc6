#include "master.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "judge_console.h"

namespace keeper {

void Master::adopt(common::UniqueFd fd) {
  fd_ = static_cast<common::UniqueFd&&>(fd);
  int flags = fcntl(fd_.get(), F_GETFL);
  fcntl(fd_.get(), F_SETFL, flags | O_NONBLOCK);
}

void Master::look() {
  alarm_.arm();
  if (looked_) return;
  looked_ = true;
  int flags = fcntl(fd_.get(), F_GETFL);
  if ((flags & O_NONBLOCK) != 0) return;
  fcntl(fd_.get(), F_SETFL, flags | O_NONBLOCK);
  tampered_++;
}

Master::Result Master::failure() {
  if (errno == EINTR) {
    tampered_++;
    looked_ = false;
    return Result::kInterrupted;
  }
  return errno == EIO ? Result::kHungUp : Result::kNothing;
}

Master::Result Master::read(iovec room, size_t* count) {
  look();
  ssize_t got = ::read(fd_.get(), room.iov_base, room.iov_len);
  if (got == 0) return Result::kHungUp;
  if (got == -1) return failure();
  *count = static_cast<size_t>(got);
  return Result::kBytes;
}

Master::Result Master::write(iovec bytes, size_t* count) {
  look();
  ssize_t taken = ::write(fd_.get(), bytes.iov_base, bytes.iov_len);
  if (taken == -1) return failure();
  *count = static_cast<size_t>(taken);
  return taken == 0 ? Result::kNothing : Result::kBytes;
}

bool Master::set_size(uint16_t columns, uint16_t rows) {
  alarm_.arm();
  winsize size{};
  size.ws_col = columns;
  size.ws_row = rows;
  return ioctl(fd_.get(), TIOCSWINSZ, &size) == 0;
}

bool Master::set_onlcr(bool on) {
  alarm_.arm();
  return common::set_onlcr(fd_.get(), on);
}

pid_t Master::session_leader() {
  if (!fd_.valid()) return 0;
  alarm_.arm();
  pid_t leader = 0;
  return ioctl(fd_.get(), TIOCGSID, &leader) == 0 ? leader : 0;
}

}  // namespace keeper
