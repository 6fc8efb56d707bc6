// libFuzzer's target for what native/common reads: control data, and numbers. The first byte of an input says which.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../common/control_message.h"
#include "../common/decimal.h"

namespace {

void expect(bool good, const char* what) {
  if (good) return;
  (void)fprintf(stderr, "expected %s\n", what);
  abort();
}

// `bytes` is aligned as a control buffer is.
void read_control_data(char* bytes, size_t length) {
  msghdr message{};
  message.msg_control = bytes;
  message.msg_controllen = length;
  common::ControlData control;
  common::read_control_data(&message, &control);
  expect(control.fd_count <= common::kMaxRights, "no more descriptors than there is room for");
  // What is told lies in what came: a header for each kind, four bytes for each descriptor.
  size_t told = control.fd_count * sizeof(int) + (control.has_credentials ? sizeof(ucred) : 0);
  expect(told == 0 || told + sizeof(cmsghdr) <= length, "no more than what came");
}

// Another way to the same number: leading zeros off, then lengths and texts compare as the numbers do.
bool is_decimal(const char* text, size_t length, unsigned limit, char (&canonical)[common::kDecimalLength]) {
  if (length == 0 || strspn(text, "0123456789") < length) return false;
  while (length > 1 && *text == '0') {
    text++;
    length--;
  }
  char most[common::kDecimalLength];
  common::format_decimal(limit, most);
  if (length > strlen(most) || (length == strlen(most) && memcmp(text, most, length) > 0)) return false;
  memcpy(canonical, text, length);
  canonical[length] = '\0';
  return true;
}

// The first four bytes are the limit.
void parse_number(const char* text, size_t length) {
  unsigned limit = 0;
  if (length < sizeof(limit)) return;
  memcpy(&limit, text, sizeof(limit));
  text += sizeof(limit);
  length -= sizeof(limit);
  unsigned number = 0;
  char canonical[common::kDecimalLength];
  bool parsed = common::parse_decimal(text, text + length, limit, &number);
  expect(parsed == is_decimal(text, length, limit, canonical), "the same judgement");
  if (!parsed) return;
  char formatted[common::kDecimalLength];
  common::format_decimal(number, formatted);
  expect(strcmp(formatted, canonical) == 0, "the same number");
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name for it
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  size_t length = size - 1;
  bool number = data[0] % 2 == 1;
  // Of just this size, so that the sanitizer sees every step beyond it; text ends with a NUL, as arguments do.
  char* input = static_cast<char*>(malloc(length + 1));
  if (input == nullptr) return 0;
  memcpy(input, data + 1, length);
  input[length] = '\0';
  if (number) {
    parse_number(input, length);
  } else {
    char* exact = static_cast<char*>(realloc(input, length > 0 ? length : 1));
    if (exact != nullptr) input = exact;
    read_control_data(input, length);
  }
  free(input);
  return 0;
}
