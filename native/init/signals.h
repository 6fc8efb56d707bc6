// Signals by their numbers in the kernel. The C libraries keep two or three real-time signals for themselves (32 and
// 33, musl 34 as well) and leave them out of every set, while other programs send them: SIGRTMIN is 34 with glibc.
#pragma once

#include <stdint.h>

namespace init {

inline constexpr int kMaxSignal = 64;

// One bit a signal, as the kernel has it: signal 1 is bit 0.
using SignalMask = uint64_t;
inline constexpr SignalMask kAllSignals = ~SignalMask{0};

// Blocks exactly these signals. Returns the mask before.
SignalMask set_blocked(SignalMask blocked);

// Waits for any signal, all of which must be blocked, and consumes it. Its number, or -1.
int take_signal();

// Ignores and blocks no signal. A program expects that, and execve(2) keeps both.
void reset_signals();

// Sets the disposition of one signal: SIG_IGN, SIG_DFL.
void ignore_signal(int number);
void default_signal(int number);

// "TERM", "SIGTERM" or "15", and so on. 0 for any other text.
int signal_by_name(const char* name);

}  // namespace init
