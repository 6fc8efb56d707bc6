// One line for standard error, built in place and written in one piece: no stdio, no allocation. The end of a text that
// is too long is cut off.
//
// A text has "{}" where a value stands: a string or a number as it is, foreign() in quotes, hexadecimal() as 0x1cd1.
#pragma once

#include <stddef.h>

namespace init {

struct Value {
  enum Kind : unsigned { kText, kForeign, kNumber, kHexadecimal } kind;
  unsigned length;  // of foreign text
  union {
    const char* text;
    unsigned long long number;
  };
};

inline Value value_of(const char* text) {
  return Value{.kind = Value::kText, .length = 0, .text = text};
}
inline Value value_of(unsigned long long number) {
  return Value{.kind = Value::kNumber, .length = 0, .number = number};
}
inline Value value_of(const Value& value) {
  return value;
}

// Text from outside this program, quoted: control characters, and so terminal escapes, become question marks.
inline Value foreign(const char* text, size_t length) {
  return Value{.kind = Value::kForeign, .length = static_cast<unsigned>(length), .text = text};
}
Value foreign(const char* text);

inline Value hexadecimal(unsigned number) {
  return Value{.kind = Value::kHexadecimal, .length = 0, .number = number};
}

class Message {
 public:
  template <typename... Values>
  void set(const char* text, const Values&... values) {
    // One more, since an array cannot be empty.
    const Value list[] = {value_of(values)..., value_of("")};
    fill(text, list);
  }

  // Writes "console-init: …" and a newline.
  void write_line(int fd) const;

 private:
  void fill(const char* text, const Value* values);
  void put(const Value& value);
  void put_number(unsigned long long number);
  void put_hexadecimal(unsigned number);
  void put(char byte);

  char text_[2048];
  size_t length_ = 0;
};

// Sets `problem` and returns false: "expected …, got …; what to do".
template <typename... Values>
bool refuse(Message* problem, const char* text, const Values&... values) {
  problem->set(text, values...);
  return false;
}

// In as many pieces as the kernel takes. False with errno set.
bool write_text(int fd, const char* text, size_t length);

}  // namespace init
