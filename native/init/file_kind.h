// The kind of a file, in words.
#pragma once

#include "decimal.h"
#include "pty_failure.h"

namespace init {

// "a symbolic link", "character device 5:2".
class FileKind {
 public:
  explicit FileKind(const common::FileSeen& seen);
  const char* text() const { return text_; }

 private:
  // The longest kind, two numbers, a colon and a NUL.
  char text_[32 + 2 * common::kDecimalLength];
};

}  // namespace init
