#include "receive_console.h"

namespace common {

namespace {

ConsoleRefusal judge_message(size_t length, const ControlData& control) {
  if ((control.flags & MSG_CTRUNC) != 0) return ConsoleRefusal::kTruncated;
  if (control.fd_count == 0) return length == 0 ? ConsoleRefusal::kEnd : ConsoleRefusal::kNoFile;
  if (control.fd_count > 1) return ConsoleRefusal::kManyFiles;
  return length >= kMaxConsoleName ? ConsoleRefusal::kNameTooLong : ConsoleRefusal::kNone;
}

}  // namespace

bool receive_console(int connection, const ConsoleSettings& settings, WhenFull when_full, ReceivedConsole* console) {
  ControlData* control = &console->control;
  bool closing = when_full == WhenFull::kKeepWhileClosing;
  ssize_t length = when_full == WhenFull::kLose
                       ? receive_message(connection, console->name, sizeof(console->name), control, MSG_DONTWAIT)
                       : receive_message_keeping(connection, console->name, sizeof(console->name), control, closing);
  if (length == -1) return false;
  console->name_length = static_cast<size_t>(length);
  console->verdict = ConsoleVerdict{};
  console->verdict.refusal = judge_message(console->name_length, *control);
  if (console->verdict.refusal == ConsoleRefusal::kNone) console->verdict = judge_console(control->fds[0], settings);
  return true;
}

}  // namespace common
