#include "starting_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "../common/control_message.h"
#include "../common/retry.h"
#include "threads.h"
#include "vfork_exec.h"

// Newer than the headers of the oldest supported C library; the same number on every architecture.
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

namespace addon {

namespace {

constexpr unsigned kCloseRangeUnshare = 2;
// How often children that nobody waits for are looked at, while there are any.
constexpr int kReapPeriodMs = 1000;
constexpr size_t kStackSize = size_t{128} * 1024;

// What is sent to the thread, which has the same memory. Descriptors go along as SCM_RIGHTS.
struct Order {
  StartRequest* request = nullptr;
  pid_t orphan = 0;
};

// The socket orders what a sender wrote before what the thread reads. This says so to the compiler and to TSan, which
// does not see system calls that are made by number.
std::atomic<uint64_t> published{0};

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (auto& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

class StartingLoop {
 public:
  explicit StartingLoop(int orders) : orders_(orders) {}

  // False: the table stays the process's, and only this thread can hang.
  bool leave_shared_table() {
    // What a range to the end contains is not copied first, so it is never closed. (docker's seccomp profile refuses
    // unshare(2), and allows this.)
    unsigned above = static_cast<unsigned>(orders_) + 1;
    own_table_ = syscall(SYS_close_range, above, UINT_MAX, kCloseRangeUnshare) == 0;
    return own_table_;
  }

  [[noreturn]] void run() {
    if (own_table_) {
      for (int fd = 0; fd < orders_; ++fd) close(fd);
    }
    null_device_ = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (;;) {
      pollfd readable{orders_, POLLIN, 0};
      int ready = poll(&readable, 1, orphans_.empty() ? -1 : kReapPeriodMs);
      std::erase_if(orphans_, [](pid_t pid) { return waitpid(pid, nullptr, WNOHANG) != 0; });
      if (ready > 0) take_order();
    }
  }

 private:
  void take_order() {
    Order order;
    common::ControlData control;
    ssize_t length = common::receive_message(orders_, &order, sizeof(order), &control, MSG_DONTWAIT);
    if (length != static_cast<ssize_t>(sizeof(order))) return;
    (void)published.load(std::memory_order_acquire);
    if (order.orphan > 0) orphans_.push_back(order.orphan);
    if (order.request == nullptr) return;
    std::unique_ptr<StartRequest> request(order.request);
    std::span<const int> received(control.fds, control.fd_count);
    if (!received.empty()) carry_out(request.get(), received.front(), received.subspan(1));
    for (int fd : received) close(fd);
  }

  void carry_out(StartRequest* request, int replies, std::span<const int> descriptors) {
    StartReply reply = start(request, descriptors);
    reply.id = request->id;
    ssize_t sent = common::send_message(replies, &reply, sizeof(reply), nullptr, 0, MSG_DONTWAIT);
    // The environment has ended meanwhile.
    if (sent == -1 && reply.pid > 0) {
      kill(reply.pid, SIGKILL);
      orphans_.push_back(reply.pid);
    }
  }

  StartReply start(StartRequest* request, std::span<const int> received) const {
    std::vector<int> descriptors;
    size_t next = 0;
    for (int fd : request->descriptors) {
      if (fd < 0) {
        descriptors.push_back(null_device_);
      } else if (next < received.size()) {
        descriptors.push_back(received[next++]);
      } else {
        // The limit of open files, which is the process's, has no room for them here.
        return {0, 0, EMFILE, "recvmsg"};
      }
    }
    std::vector<char*> arguments = pointers(request->arguments);
    std::vector<char*> environment = pointers(request->environment);
    ExecPlan plan;
    plan.file = request->file.c_str();
    plan.arguments = arguments.data();
    plan.environment = environment.data();
    plan.directory = request->directory.empty() ? nullptr : request->directory.c_str();
    plan.own_session = request->own_session;
    plan.descriptors = descriptors;
    ExecFailure failure;
    pid_t pid = vfork_exec(plan, &failure);
    if (pid == -1) return {0, 0, failure.error, failure.call};
    return {0, pid, 0, nullptr};
  }

  int orders_;
  int null_device_ = -1;
  bool own_table_ = false;
  std::vector<pid_t> orphans_;
};

struct Beginning {
  int orders;
  Mutex mutex;
  Condition left_table;
  bool has_left = false;
  bool own_table = false;

  explicit Beginning(int orders) : orders(orders) {}
};

void* run_thread(void* argument) {
  auto* beginning = static_cast<Beginning*>(argument);
  StartingLoop loop(beginning->orders);
  bool own_table = loop.leave_shared_table();
  {
    Lock lock(beginning->mutex);
    beginning->own_table = own_table;
    beginning->has_left = true;
    beginning->left_table.signal();
  }
  loop.run();
}

// Never destroyed, and its thread never joined.
struct StartingThread {
  Mutex mutex;
  // The sender's end, in the process's table; -1 while the thread does not run.
  int orders = -1;

  static StartingThread& instance() {
    static auto* only = new StartingThread;
    return *only;
  }

  int begin() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1) return errno;
    // Not on this stack: the thread may be unlocking it still when it is not needed here any more.
    auto* beginning = new Beginning(ends[0]);
    int error = start_thread(run_thread, beginning, kStackSize);
    bool own_table = true;
    if (error == 0) {
      Lock lock(beginning->mutex);
      while (!beginning->has_left) beginning->left_table.wait(lock);
      own_table = beginning->own_table;
      orders = ends[1];
    } else {
      close(ends[1]);
      delete beginning;
    }
    if (own_table) close(ends[0]);
    return error;
  }
};

int send_order(const Order& order, std::span<const int> descriptors) {
  published.fetch_add(1, std::memory_order_release);
  auto& thread = StartingThread::instance();
  ssize_t sent =
      common::send_message(thread.orders, &order, sizeof(order), descriptors.data(), descriptors.size(), MSG_DONTWAIT);
  return sent == -1 ? errno : 0;
}

}  // namespace

int begin_starting_thread() {
  auto& thread = StartingThread::instance();
  Lock lock(thread.mutex);
  return thread.orders == -1 ? thread.begin() : 0;
}

int start_process(std::unique_ptr<StartRequest> request, int replies) {
  // It could not begin when the addon was loaded: no thread, or no descriptor.
  if (int error = begin_starting_thread(); error != 0) return error;
  std::vector<int> sent = {replies};
  for (int fd : request->descriptors) {
    if (fd >= 0) sent.push_back(fd);
  }
  int error = send_order({request.get(), 0}, sent);
  // The thread's from now on.
  if (error == 0) (void)request.release();
  return error;
}

void adopt_child(pid_t pid) {
  send_order({nullptr, pid}, {});
}

}  // namespace addon
