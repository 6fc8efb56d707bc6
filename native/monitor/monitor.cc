#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "children.h"
#include "retry.h"

namespace monitor {

namespace {

// Edge-triggered: after a hangup it would be ready for ever, and the program may yet open the terminal again.
constexpr uint32_t kConsoleEvents = EPOLLIN | EPOLLET;
constexpr int kReadsPerTurn = 16;

}  // namespace

bool Monitor::run() {
  for (;;) {
    epoll_event event{};
    int count = common::retry_on_eintr([&] { return epoll_wait(events_.get(), &event, 1, -1); });
    if (count == -1) return false;
    switch (static_cast<Source>(event.data.u32)) {
      case kChildren:
        if (!reap()) return true;
        break;
      case kControl:
        listen();
        break;
      case kRuntimeOutput:
        forward_output();
        break;
      case kConsole:
        drain_console();
        break;
    }
  }
}

bool Monitor::begin() {
  sigset_t ended;
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  events_.reset(epoll_create1(EPOLL_CLOEXEC));
  signals_.reset(signalfd(-1, &ended, SFD_CLOEXEC | SFD_NONBLOCK));
  return events_.valid() && signals_.valid() && watch(signals_.get(), kChildren, EPOLLIN) &&
         watch(control_.fd(), kControl, EPOLLIN) && watch(runtime_.output.get(), kRuntimeOutput, EPOLLIN);
}

bool Monitor::watch(int fd, Source source, uint32_t events) {
  return change(EPOLL_CTL_ADD, fd, source, events);
}

bool Monitor::change(int operation, int fd, Source source, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u32 = source;
  return epoll_ctl(events_.get(), operation, fd, &event) == 0;
}

void Monitor::unwatch(int fd) {
  epoll_ctl(events_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

// One SIGCHLD tells of any number. False when nobody is left.
bool Monitor::reap() {
  signalfd_siginfo taken;
  while (common::retry_on_eintr([&] { return read(signals_.get(), &taken, sizeof(taken)); }) > 0) continue;
  for (;;) {
    int status = 0;
    pid_t pid = common::retry_on_eintr([&] { return waitpid(-1, &status, WNOHANG); });
    if (pid <= 0) return pid == 0;
    if (pid == runtime_.pid && runtime_runs_) {
      runtime_ended(status);
    } else {
      tell_children();
      control_.tell(kEnded, pid, status);
    }
  }
}

void Monitor::runtime_ended(int status) {
  if (runtime_.output.valid()) forward_last_output();
  runtime_runs_ = false;
  tell_children();
  control_.tell(kRuntimeEnded, runtime_.pid, status);
}

// The kernel hands a process's children on before it tells of its end, so they are here by now. crun leaves a process
// behind that has the container for a child, and ends a little later.
void Monitor::tell_children() {
  for_each_child(
      [](pid_t child, void* context) {
        auto* self = static_cast<Monitor*>(context);
        if (child != self->runtime_.pid || !self->runtime_runs_) self->control_.tell(kChild, child);
      },
      this);
}

// What is left behind by the runtime may go on printing (gVisor's sandbox does): with nobody to read it, it would wait
// or die. It is read and thrown away. One piece a turn, so that a flood keeps nothing else from its turn.
void Monitor::forward_output() {
  char bytes[4096];
  ssize_t count = common::retry_on_eintr([&] { return read(runtime_.output.get(), bytes, sizeof(bytes)); });
  if (count > 0) {
    if (runtime_runs_) control_.tell_output(bytes, static_cast<size_t>(count));
  } else if (count == 0 || errno != EAGAIN) {
    unwatch(runtime_.output.get());
    runtime_.output.reset();
  }
}

// All that the runtime had printed at its end, and not what others print since.
void Monitor::forward_last_output() {
  int waiting = 0;
  if (ioctl(runtime_.output.get(), FIONREAD, &waiting) == -1) return;
  char bytes[4096];
  while (waiting > 0) {
    size_t wanted = static_cast<size_t>(waiting) < sizeof(bytes) ? static_cast<size_t>(waiting) : sizeof(bytes);
    ssize_t count = common::retry_on_eintr([&] { return read(runtime_.output.get(), bytes, wanted); });
    if (count <= 0) return;
    control_.tell_output(bytes, static_cast<size_t>(count));
    waiting -= static_cast<int>(count);
  }
}

void Monitor::listen() {
  // A telling that failed has closed it already, and epoll has forgotten it.
  if (control_.fd() == -1) return;
  Record record;
  common::UniqueFd passed;
  if (control_.hear(&record, &passed) != Control::Heard::kRecord) return;
  if (record.kind == kSignal && runtime_runs_) kill(runtime_.pid, record.subject);
  if (record.kind == kHold && passed.valid() && !console_.valid()) {
    console_ = static_cast<common::UniqueFd&&>(passed);
    int flags = fcntl(console_.get(), F_GETFL);
    fcntl(console_.get(), F_SETFL, flags | O_NONBLOCK);
    watch(console_.get(), kConsole, kConsoleEvents);
  }
}

void Monitor::drain_console() {
  char bytes[4096];
  for (int turn = 0; turn < kReadsPerTurn; turn++) {
    if (common::retry_on_eintr([&] { return read(console_.get(), bytes, sizeof(bytes)); }) <= 0) return;
  }
  // There may be more, of which no edge tells: being registered anew does.
  change(EPOLL_CTL_MOD, console_.get(), kConsole, kConsoleEvents);
}

}  // namespace monitor
