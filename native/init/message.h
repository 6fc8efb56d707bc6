// One line for standard error, built in place and written in one piece: no stdio, no allocation. What does not fit is
// cut off. Text that is not this program's own goes through quote(), which keeps terminal escapes out of the line.
#pragma once

#include <stddef.h>

#include "decimal.h"

namespace init {

class Message {
 public:
  Message& add(const char* text);
  Message& number(unsigned long long number);
  Message& hexadecimal(unsigned number);
  Message& quote(const char* foreign);
  Message& quote(const char* foreign, size_t length);
  // The name of an errno value as strerror(3) has it.
  Message& error(int number);

  // Writes "console-init: …" and a newline.
  void write_line(int fd) const;

 private:
  void put(char byte);

  char text_[2048];
  size_t length_ = 0;
};

// In as many pieces as the kernel takes; false with errno set.
bool write_text(int fd, const char* text, size_t length);

}  // namespace init
