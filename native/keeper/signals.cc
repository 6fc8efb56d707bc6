#include "signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "retry.h"

namespace keeper {

common::UniqueFd open_signals() {
  sigset_t taken;
  sigemptyset(&taken);
  sigaddset(&taken, SIGCHLD);
  sigaddset(&taken, SIGTERM);
  sigprocmask(SIG_SETMASK, &taken, nullptr);
  return common::UniqueFd(signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
}

bool take_signals(const common::UniqueFd& signals) {
  signalfd_siginfo taken;
  bool terminate = false;
  while (common::retry_on_eintr([&] { return read(signals.get(), &taken, sizeof(taken)); }) > 0) {
    if (taken.ssi_signo == SIGTERM) terminate = true;
  }
  return terminate;
}

void ignore_terminal_signals() {
  struct sigaction action{};
  action.sa_handler = SIG_IGN;
  static constexpr int kNumbers[] = {SIGHUP, SIGINT, SIGQUIT};
  for (int number : kNumbers) sigaction(number, &action, nullptr);
}

}  // namespace keeper
