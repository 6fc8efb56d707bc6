#include "alarm.h"

#include <signal.h>
#include <sys/time.h>

namespace keeper {

namespace {

constexpr suseconds_t kIntervalUs = 200000;

volatile sig_atomic_t ticks = 0;

void set_timer(suseconds_t interval) {
  itimerval timer{};
  timer.it_interval.tv_usec = interval;
  timer.it_value.tv_usec = interval;
  setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace

bool Alarm::open() {
  // Without SA_RESTART: the interrupted call returns.
  struct sigaction action{};
  action.sa_handler = [](int) { ticks = ticks + 1; };
  return sigaction(SIGALRM, &action, nullptr) == 0;
}

void Alarm::arm() {
  calls_++;
  if (running_) return;
  running_ = true;
  calls_before_ = calls_;
  ticks_seen_ = ticks;
  set_timer(kIntervalUs);
}

void Alarm::rest() {
  if (!running_ || ticks == ticks_seen_) return;
  ticks_seen_ = ticks;
  if (calls_ == calls_before_) {
    running_ = false;
    set_timer(0);
  }
  calls_before_ = calls_;
}

}  // namespace keeper
