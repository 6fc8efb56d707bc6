#include "signals.h"

#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "decimal.h"
#include "retry.h"

namespace init {

namespace {

struct Name {
  const char* name;
  int number;
};

constexpr Name kNames[] = {
    {"HUP", SIGHUP},   {"INT", SIGINT},   {"QUIT", SIGQUIT},   {"ILL", SIGILL},   {"TRAP", SIGTRAP},
    {"ABRT", SIGABRT}, {"BUS", SIGBUS},   {"FPE", SIGFPE},     {"KILL", SIGKILL}, {"USR1", SIGUSR1},
    {"SEGV", SIGSEGV}, {"USR2", SIGUSR2}, {"PIPE", SIGPIPE},   {"ALRM", SIGALRM}, {"TERM", SIGTERM},
    {"CHLD", SIGCHLD}, {"CONT", SIGCONT}, {"STOP", SIGSTOP},   {"TSTP", SIGTSTP}, {"TTIN", SIGTTIN},
    {"TTOU", SIGTTOU}, {"URG", SIGURG},   {"XCPU", SIGXCPU},   {"XFSZ", SIGXFSZ}, {"VTALRM", SIGVTALRM},
    {"PROF", SIGPROF}, {"IO", SIGIO},     {"WINCH", SIGWINCH}, {"PWR", SIGPWR},   {"SYS", SIGSYS},
};

// The kernel's struct sigaction begins with the handler, of which 0 is SIG_DFL and 1 SIG_IGN, and is smaller than this
// on every architecture.
void set_action(int number, unsigned long handler) {
  const unsigned long action[8] = {handler};
  syscall(SYS_rt_sigaction, number, action, nullptr, sizeof(SignalMask));
}

}  // namespace

SignalMask set_blocked(SignalMask blocked) {
  SignalMask before = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, &before, sizeof(blocked));
  return before;
}

int take_signal() {
  return common::retry_on_eintr([] {
    return static_cast<int>(syscall(SYS_rt_sigtimedwait, &kAllSignals, nullptr, nullptr, sizeof(kAllSignals)));
  });
}

void ignore_signal(int number) {
  set_action(number, 1);
}

void default_signal(int number) {
  set_action(number, 0);
}

void reset_signals() {
  for (int number = 1; number <= kMaxSignal; number++) default_signal(number);
  set_blocked(0);
}

int signal_by_name(const char* name) {
  unsigned number = 0;
  if (common::parse_decimal(name, name + strlen(name), kMaxSignal, &number)) return static_cast<int>(number);
  if (strncasecmp(name, "SIG", 3) == 0) name += 3;
  for (const Name& known : kNames) {
    if (strcasecmp(name, known.name) == 0) return known.number;
  }
  return 0;
}

}  // namespace init
