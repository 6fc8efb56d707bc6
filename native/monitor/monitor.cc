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

// Edge-triggered: after a hangup the master stays readable, while a process may yet open the terminal again.
constexpr uint32_t kConsoleEvents = EPOLLIN | EPOLLET;
constexpr int kMaxReads = 16;

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
        handle_record();
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

bool Monitor::open_events() {
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

// One SIGCHLD can stand for many children. False when no child is left.
bool Monitor::reap() {
  signalfd_siginfo taken;
  while (common::retry_on_eintr([&] { return read(signals_.get(), &taken, sizeof(taken)); }) > 0) continue;
  for (;;) {
    int status = 0;
    pid_t pid = common::retry_on_eintr([&] { return waitpid(-1, &status, WNOHANG); });
    if (pid <= 0) return pid == 0;
    if (pid == runtime_.pid && runtime_runs_) {
      report_runtime_end(status);
    } else {
      report_children();
      control_.send_record(kEnded, pid, status);
    }
  }
}

void Monitor::report_runtime_end(int status) {
  if (runtime_.output.valid()) forward_last_output();
  runtime_runs_ = false;
  report_children();
  control_.send_record(kRuntimeEnded, runtime_.pid, status);
}

// The kernel reparents the children of a process before it reports the process's end, so the list is complete. It is
// sent after every exit, because crun's helper stays the container's parent until the helper exits.
void Monitor::report_children() {
  common::for_each_child(
      [](pid_t child, void* context) {
        auto* self = static_cast<Monitor*>(context);
        if (child != self->runtime_.pid || !self->runtime_runs_) self->control_.send_record(kChild, child);
      },
      this);
}

// Processes that the runtime left may continue to print (gVisor's sandbox does) and would block or die without a
// reader. Their output is read and discarded. One read per event, so that a flood does not delay other events.
void Monitor::forward_output() {
  char bytes[4096];
  ssize_t count = common::retry_on_eintr([&] { return read(runtime_.output.get(), bytes, sizeof(bytes)); });
  if (count > 0) {
    if (runtime_runs_) control_.send_output(bytes, static_cast<size_t>(count));
  } else if (count == 0 || errno != EAGAIN) {
    unwatch(runtime_.output.get());
    runtime_.output.reset();
  }
}

// Forwards the bytes that the runtime had printed when it ended, and none that other processes print later.
void Monitor::forward_last_output() {
  int waiting = 0;
  if (ioctl(runtime_.output.get(), FIONREAD, &waiting) == -1) return;
  char bytes[4096];
  while (waiting > 0) {
    size_t wanted = static_cast<size_t>(waiting) < sizeof(bytes) ? static_cast<size_t>(waiting) : sizeof(bytes);
    ssize_t count = common::retry_on_eintr([&] { return read(runtime_.output.get(), bytes, wanted); });
    if (count <= 0) return;
    control_.send_output(bytes, static_cast<size_t>(count));
    waiting -= static_cast<int>(count);
  }
}

void Monitor::handle_record() {
  // A failed send has closed the socket already, and closing removed it from the epoll.
  if (control_.fd() == -1) return;
  Record record;
  common::UniqueFd passed;
  if (control_.receive(&record, &passed) != Control::Received::kRecord) return;
  switch (record.kind) {
    case kSignal:
      if (runtime_runs_) kill(runtime_.pid, record.subject);
      return;
    case kHold:
      if (passed.valid() && !console_.valid()) hold_console(static_cast<common::UniqueFd&&>(passed));
      return;
    default:
      return;
  }
}

void Monitor::hold_console(common::UniqueFd console) {
  console_ = static_cast<common::UniqueFd&&>(console);
  int flags = fcntl(console_.get(), F_GETFL);
  fcntl(console_.get(), F_SETFL, flags | O_NONBLOCK);
  watch(console_.get(), kConsole, kConsoleEvents);
}

void Monitor::drain_console() {
  char bytes[4096];
  for (int reads = 0; reads < kMaxReads; reads++) {
    if (common::retry_on_eintr([&] { return read(console_.get(), bytes, sizeof(bytes)); }) <= 0) return;
  }
  // More may be left, for which no edge comes. EPOLL_CTL_MOD reports it.
  change(EPOLL_CTL_MOD, console_.get(), kConsole, kConsoleEvents);
}

}  // namespace monitor
