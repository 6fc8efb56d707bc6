#include "message.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "retry.h"
#include "signals.h"

namespace init {

void Message::put(char byte) {
  if (length_ < sizeof(text_)) text_[length_++] = byte;
}

Message& Message::add(const char* text) {
  for (; *text != '\0'; text++) put(*text);
  return *this;
}

Message& Message::number(unsigned long long number) {
  char text[common::kDecimalLength];
  common::format_decimal(number, text);
  return add(text);
}

Message& Message::hexadecimal(unsigned number) {
  add("0x");
  int shift = 28;
  while (shift > 0 && number >> shift == 0) shift -= 4;
  for (; shift >= 0; shift -= 4) put("0123456789abcdef"[number >> shift & 0xf]);
  return *this;
}

Message& Message::quote(const char* foreign) {
  return quote(foreign, strlen(foreign));
}

Message& Message::quote(const char* foreign, size_t length) {
  put('"');
  for (size_t i = 0; i < length; i++) {
    unsigned char byte = static_cast<unsigned char>(foreign[i]);
    put(byte < 0x20 || byte == 0x7f ? '?' : foreign[i]);
  }
  put('"');
  return *this;
}

Message& Message::error(int number) {
  return add(strerror(number));
}

void Message::write_line(int fd) const {
  // A reader that is gone must not turn the exit status into SIGPIPE's; the caller is about to exit.
  ignore_signal(SIGPIPE);
  static constexpr char kPrefix[] = "console-init: ";
  char line[sizeof(kPrefix) + sizeof(text_)];
  memcpy(line, kPrefix, sizeof(kPrefix) - 1);
  memcpy(line + sizeof(kPrefix) - 1, text_, length_);
  line[sizeof(kPrefix) - 1 + length_] = '\n';
  write_text(fd, line, sizeof(kPrefix) + length_);
}

bool write_text(int fd, const char* text, size_t length) {
  while (length > 0) {
    ssize_t written = common::retry_on_eintr([&] { return write(fd, text, length); });
    if (written == -1) return false;
    text += written;
    length -= static_cast<size_t>(written);
  }
  return true;
}

}  // namespace init
