#include "judge.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "control_message.h"
#include "file_identity.h"

namespace keeper {

namespace {

constexpr size_t kNameRoom = 4096;  // PATH_MAX, runc's limit

// An ioctl that the kernel lacks (gVisor, qemu-user) cannot have turned anything on.
bool is_unknown_ioctl(int error) {
  return error == ENOTTY || error == ENOSYS || error == EINVAL;
}

bool is_zero(int fd, unsigned long request) {
  int value = 0;
  return ioctl(fd, request, &value) == -1 ? is_unknown_ioctl(errno) : value == 0;
}

// statx(2) first: every other question to a file of a FUSE mount waits for its daemon.
Refusal judge(int fd) {
  common::FileIdentity identity;
  if (!common::identify(fd, &identity) || !common::is_ptmx(identity)) return Refusal::kNotAPty;
  int flags = fcntl(fd, F_GETFL);
  if (flags == -1 || (flags & O_ACCMODE) != O_RDWR) return Refusal::kNotAPty;
  unsigned number = 0;
  if (ioctl(fd, TIOCGPTN, &number) == -1) return Refusal::kNotAPty;
  if (!is_zero(fd, TIOCGPKT) || !is_zero(fd, TIOCGETD)) return Refusal::kTampered;
  return Refusal::kNone;
}

void apply(int fd, const Wanted& wanted) {
  if (wanted.columns > 0) {
    winsize size{};
    size.ws_col = wanted.columns;
    size.ws_row = wanted.rows;
    ioctl(fd, TIOCSWINSZ, &size);
  }
  termios settings{};
  if (wanted.onlcr == -1 || tcgetattr(fd, &settings) == -1) return;
  if (((settings.c_oflag & ONLCR) != 0) == (wanted.onlcr == 1)) return;
  settings.c_oflag ^= static_cast<tcflag_t>(ONLCR);
  tcsetattr(fd, TCSANOW, &settings);
}

Refusal refusal_of(ssize_t length, const common::ControlData& control) {
  if (length == 0 && control.fd_count == 0) return Refusal::kEnd;
  if (control.fd_count == 0) return Refusal::kNoFile;
  if (control.fd_count > 1 || (control.flags & MSG_CTRUNC) != 0) return Refusal::kManyFiles;
  if (length >= static_cast<ssize_t>(kNameRoom) || (control.flags & MSG_TRUNC) != 0) return Refusal::kNameTooLong;
  return judge(control.fds[0]);
}

}  // namespace

Receipt receive_console(int connection, const Wanted& wanted, Console* console, Refusal* refusal) {
  char name[kNameRoom];
  common::ControlData control;
  ssize_t length = common::receive_message(connection, name, sizeof(name), &control, MSG_DONTWAIT);
  if (length == -1) {
    if (errno == EAGAIN) return Receipt::kNothing;
    *refusal = Refusal::kFailed;
    return Receipt::kRefused;
  }
  *refusal = refusal_of(length, control);
  if (*refusal != Refusal::kNone) return Receipt::kRefused;
  apply(control.fds[0], wanted);
  console->master.reset(control.fds[0]);
  console->name_length = static_cast<size_t>(length) < kMaxName ? static_cast<size_t>(length) : kMaxName;
  memcpy(console->name, name, console->name_length);
  return Receipt::kConsole;
}

}  // namespace keeper
