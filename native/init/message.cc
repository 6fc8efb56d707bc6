#include "message.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "decimal.h"
#include "retry.h"
#include "signals.h"

namespace init {

Value foreign(const char* text) {
  return foreign(text, strlen(text));
}

void Message::fill(const char* text, const Value* values) {
  length_ = 0;
  for (; *text != '\0'; text++) {
    if (text[0] == '{' && text[1] == '}') {
      put(*values++);
      text++;
    } else {
      put(*text);
    }
  }
}

void Message::put(const Value& value) {
  switch (value.kind) {
    case Value::kText:
      for (const char* byte = value.text; *byte != '\0'; byte++) put(*byte);
      return;
    case Value::kForeign:
      put('"');
      for (size_t i = 0; i < value.length; i++) {
        unsigned char byte = static_cast<unsigned char>(value.text[i]);
        put(byte < 0x20 || byte == 0x7f ? '?' : value.text[i]);
      }
      put('"');
      return;
    case Value::kNumber:
      put_number(value.number);
      return;
    case Value::kHexadecimal:
      put_hexadecimal(static_cast<unsigned>(value.number));
      return;
  }
}

void Message::put_number(unsigned long long number) {
  char digits[common::kDecimalLength];
  common::format_decimal(number, digits);
  for (const char* digit = digits; *digit != '\0'; digit++) put(*digit);
}

void Message::put_hexadecimal(unsigned number) {
  put('0');
  put('x');
  int shift = 28;
  while (shift > 0 && number >> shift == 0) shift -= 4;
  for (; shift >= 0; shift -= 4) put("0123456789abcdef"[number >> shift & 0xf]);
}

void Message::put(char byte) {
  if (length_ < sizeof(text_)) text_[length_++] = byte;
}

void Message::write_line(int fd) const {
  // Without a reader, SIGPIPE must not replace the exit status. The caller is about to exit.
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
