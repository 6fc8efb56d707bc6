// Numbers as text without stdio, which would be a third of a small static executable, and without strtol's leniency:
// no sign, no space, no hexadecimal, nothing after the number.
#pragma once

#include <stddef.h>

namespace common {

inline constexpr size_t kDecimalLength = 21;  // 2^64 - 1 and a NUL

inline void format_decimal(unsigned long long number, char (&text)[kDecimalLength]) {
  char digits[kDecimalLength];
  size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0);
  for (size_t i = 0; i < count; i++) text[i] = digits[count - 1 - i];
  text[count] = '\0';
}

// Reads digits up to `end`. False without a digit, for any other character, and for a number above `max`.
inline bool parse_decimal(const char* text, const char* end, unsigned max, unsigned* number) {
  unsigned long long value = 0;
  for (const char* digit = text; digit < end; digit++) {
    if (*digit < '0' || *digit > '9') return false;
    value = value * 10 + static_cast<unsigned>(*digit - '0');
    if (value > max) return false;
  }
  *number = static_cast<unsigned>(value);
  return text < end;
}

}  // namespace common
