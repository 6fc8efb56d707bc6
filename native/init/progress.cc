#include "progress.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "command.h"

namespace init {

namespace {

// One for the process, because its signal handler reads it.
struct Progress {
  bool verbose = false;
  int messages = STDERR_FILENO;
  unsigned timeout_ms = 0;
  timespec deadline{};
  const char* volatile doing = "starting";
};
Progress progress;

constexpr long kMillisecond = 1000000;  // in nanoseconds
constexpr long kSecond = 1000 * kMillisecond;

timespec now() {
  timespec time{};
  // It fails for an unknown clock only.
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return time;
}

void on_timeout(int) {
  Message problem;
  const char* doing = progress.doing;
  problem.set(
      "--timeout: expected the command to run within {} ms, got no further than {}; see what delays that, or allow "
      "more time",
      progress.timeout_ms, doing);
  problem.write_line(progress.messages);
  _exit(kOwnFailure);
}

void set_timer(const itimerval& timer) {
  setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace

void begin_progress(bool verbose, unsigned timeout_ms) {
  progress.verbose = verbose;
  progress.timeout_ms = timeout_ms;
  if (timeout_ms == 0) return;
  progress.deadline = now();
  progress.deadline.tv_sec += timeout_ms / 1000;
  progress.deadline.tv_nsec += static_cast<long>(timeout_ms % 1000) * kMillisecond;
  if (progress.deadline.tv_nsec >= kSecond) {
    progress.deadline.tv_nsec -= kSecond;
    progress.deadline.tv_sec++;
  }
  struct sigaction action{};
  action.sa_handler = on_timeout;
  sigaction(SIGALRM, &action, nullptr);
  resume_timeout();
}

void step(const char* doing) {
  progress.doing = doing;
  Message line;
  line.set(doing);
  report(line);
}

void report(const Message& line) {
  if (progress.verbose) line.write_line(progress.messages);
}

void report_to(int fd) {
  progress.messages = fd;
}

void resume_timeout() {
  if (progress.timeout_ms == 0) return;
  timespec present = now();
  long long remaining_us = (progress.deadline.tv_sec - present.tv_sec) * 1000000LL;
  remaining_us += (progress.deadline.tv_nsec - present.tv_nsec) / 1000;
  // All zero would stop the timer.
  if (remaining_us < 1) remaining_us = 1;
  itimerval timer{};
  timer.it_value.tv_sec = static_cast<time_t>(remaining_us / 1000000);
  timer.it_value.tv_usec = static_cast<suseconds_t>(remaining_us % 1000000);
  set_timer(timer);
}

void end_timeout() {
  if (progress.timeout_ms != 0) set_timer(itimerval{});
}

}  // namespace init
