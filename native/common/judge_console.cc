#include "judge_console.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include "decimal.h"
#include "retry.h"
#include "unique_fd.h"

namespace common {

namespace {

constexpr uint32_t kProcMagic = 0x9fa0;  // PROC_SUPER_MAGIC

// struct termios as the kernel has it. The C library's is longer.
struct KernelTermios {
  uint32_t input_flags;
  uint32_t output_flags;
  uint32_t control_flags;
  uint32_t local_flags;
  uint8_t line;
  uint8_t characters[19];
  uint32_t reserve[7];  // more than other architectures need
};

enum class Answer : uint8_t { kNo, kYes, kUnknown };

// For where statx(2) is refused (a seccomp profile): /proc/self/fdinfo/N has a line that only a PTY master's file
// operations write ("tty-index", Linux 4.15). Reading it asks no file system of the descriptor.
Answer is_master_by_proc(int fd) {
  UniqueFd directory(retry_on_eintr([] { return open("/proc/self/fdinfo", O_PATH | O_DIRECTORY | O_CLOEXEC); }));
  if (!directory.valid()) return Answer::kUnknown;
  char name[kDecimalLength];
  format_decimal(static_cast<unsigned>(fd), name);
  UniqueFd file(retry_on_eintr([&] { return openat(directory.get(), name, O_RDONLY | O_CLOEXEC); }));
  struct statfs filesystem;
  if (!file.valid() || fstatfs(file.get(), &filesystem) == -1) return Answer::kUnknown;
  if (static_cast<uint32_t>(filesystem.f_type) != kProcMagic) return Answer::kUnknown;
  char text[1024];
  ssize_t length = retry_on_eintr([&] { return read(file.get(), text, sizeof(text) - 1); });
  if (length <= 0) return Answer::kUnknown;
  text[length] = '\0';
  return strstr(text, "\ntty-index:") != nullptr ? Answer::kYes : Answer::kNo;
}

ConsoleRefusal judge_file(int fd, ConsoleVerdict* verdict) {
  if (identify(fd, &verdict->seen)) {
    return is_ptmx(verdict->seen) ? ConsoleRefusal::kNone : ConsoleRefusal::kOtherFile;
  }
  verdict->error = errno;
  if (errno == EBADF) return ConsoleRefusal::kUnknownFile;
  Answer answer = is_master_by_proc(fd);
  if (answer == Answer::kUnknown) return ConsoleRefusal::kUnknownFile;
  verdict->error = 0;
  return answer == Answer::kYes ? ConsoleRefusal::kNone : ConsoleRefusal::kOtherFile;
}

// What the kernel does not know (gVisor, qemu-user) cannot have been turned on.
bool is_unknown_ioctl(int error) {
  return error == ENOTTY || error == ENOSYS;
}

ConsoleRefusal judge_terminal(int fd, int* error) {
  int flags = fcntl(fd, F_GETFL);
  // O_PATH handles fail here too.
  if (flags == -1 || (flags & O_ACCMODE) != O_RDWR) return ConsoleRefusal::kOneWay;
  unsigned number = 0;
  int packet_mode = 0;
  int discipline = 0;
  bool failed = ioctl(fd, TIOCGPTN, &number) == -1;
  failed = failed || (ioctl(fd, TIOCGPKT, &packet_mode) == -1 && !is_unknown_ioctl(errno));
  failed = failed || (ioctl(fd, TIOCGETD, &discipline) == -1 && !is_unknown_ioctl(errno));
  if (failed) {
    *error = errno;
    return ConsoleRefusal::kSilent;
  }
  if (packet_mode != 0) return ConsoleRefusal::kPacketMode;
  return discipline != 0 ? ConsoleRefusal::kLineDiscipline : ConsoleRefusal::kNone;
}

bool set_size(int fd, const ConsoleSettings& settings, ConsoleVerdict* verdict) {
  winsize size{};
  bool ask = settings.columns == 0 || settings.only_without_size;
  if (ask && ioctl(fd, TIOCGWINSZ, &size) == -1) return false;
  if (settings.columns > 0 && size.ws_col == 0 && size.ws_row == 0) {
    size.ws_col = settings.columns;
    size.ws_row = settings.rows;
    if (ioctl(fd, TIOCSWINSZ, &size) == -1) return false;
  }
  verdict->columns = size.ws_col;
  verdict->rows = size.ws_row;
  return true;
}

ConsoleRefusal apply(int fd, const ConsoleSettings& settings, ConsoleVerdict* verdict) {
  if (!set_size(fd, settings, verdict)) return ConsoleRefusal::kSize;
  if (settings.onlcr == Onlcr::kKeep || set_onlcr(fd, settings.onlcr == Onlcr::kOn)) return ConsoleRefusal::kNone;
  return ConsoleRefusal::kOnlcr;
}

}  // namespace

ConsoleVerdict judge_console(int fd, const ConsoleSettings& settings) {
  ConsoleVerdict verdict;
  verdict.refusal = judge_file(fd, &verdict);
  if (verdict.refusal != ConsoleRefusal::kNone) return verdict;
  verdict.refusal = judge_terminal(fd, &verdict.error);
  if (verdict.refusal != ConsoleRefusal::kNone) return verdict;
  verdict.refusal = apply(fd, settings, &verdict);
  if (verdict.refusal != ConsoleRefusal::kNone) verdict.error = errno;
  return verdict;
}

// By ioctl(2): tcsetattr(3) makes two calls more, which take as long again.
bool set_onlcr(int fd, bool on) {
  KernelTermios settings{};
  if (ioctl(fd, TCGETS, &settings) == -1) return false;
  if (((settings.output_flags & ONLCR) != 0) == on) return true;
  settings.output_flags ^= static_cast<uint32_t>(ONLCR);
  return ioctl(fd, TCSETS, &settings) == 0;
}

}  // namespace common
