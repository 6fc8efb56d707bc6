#include "interrupting_signal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../common/unique_fd.h"

namespace addon {

namespace {

// Standard signals that no program needs: neither the kernel nor Node.js sends them unasked.
constexpr int kStandard[] = {SIGURG, SIGSTKFLT, SIGIO, SIGPWR};

constexpr uint64_t mask_of(int number) {
  return uint64_t{1} << (number - 1);
}

// The existence of a handler makes the signal interrupt the call.
void on_signal(int) {}

bool is_ours(const struct sigaction& action) {
  return (action.sa_flags & (SA_SIGINFO | SA_RESTART)) == 0 && action.sa_handler == on_signal;
}

bool is_default(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_DFL;
}

// Whether the number has our handler, which is installed if it has none. Other code may install one in between: its
// handler is put back then.
bool has_handler(int number) {
  struct sigaction present{};
  if (sigaction(number, nullptr, &present) != 0) return false;
  if (is_ours(present)) return true;
  if (!is_default(present)) return false;
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_ONSTACK;
  if (sigaction(number, &action, &present) != 0) return false;
  if (is_default(present)) return true;
  sigaction(number, &present, nullptr);
  return false;
}

// The signals that a thread of this process blocks. Without /proc, or without a free descriptor, none are known of.
uint64_t blocked_by(pid_t thread) {
  char text[4096];
  if (snprintf(text, sizeof(text), "/proc/self/task/%d/status", thread) < 0) return 0;
  common::UniqueFd file(open(text, O_RDONLY | O_CLOEXEC));
  ssize_t length = file.get() == -1 ? -1 : read(file.get(), text, sizeof(text) - 1);
  if (length <= 0) return 0;
  text[length] = '\0';
  const char* field = strstr(text, "\nSigBlk:");
  return field == nullptr ? 0 : strtoull(field + strlen("\nSigBlk:"), nullptr, 16);
}

bool interrupt_with(int number, pid_t thread, uint64_t blocked) {
  if ((blocked & mask_of(number)) != 0 || !has_handler(number)) return false;
  return syscall(SYS_tgkill, getpid(), thread, number) == 0;
}

}  // namespace

uint64_t interrupt_thread(pid_t thread) {
  uint64_t blocked = blocked_by(thread);
  for (int number : kStandard) {
    if (interrupt_with(number, thread, blocked)) return mask_of(number);
  }
  // The last real-time signals are used least.
  for (int number = SIGRTMAX - 1; number > SIGRTMIN; --number) {
    if (interrupt_with(number, thread, blocked)) return mask_of(number);
  }
  return 0;
}

void take_pending(uint64_t signals) {
  // A signal that was sent is delivered at the latest when the thread returns from its next system call, which is this
  // one. Only a blocked signal stays pending.
  sigset_t blocked;
  sigemptyset(&blocked);
  sigprocmask(SIG_BLOCK, nullptr, &blocked);
  constexpr timespec kNow{};
  for (int number = 1; number <= 64; ++number) {
    if ((signals & mask_of(number)) == 0 || sigismember(&blocked, number) != 1) continue;
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, number);
    while (sigtimedwait(&one, nullptr, &kNow) == number) {
    }
  }
}

}  // namespace addon
