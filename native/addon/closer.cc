#include "closer.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#include <deque>

#include "../common/file_identity.h"
#include "close_number.h"

// Newer than the headers of the oldest supported C library.
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

namespace addon {

namespace {

// A close that hangs keeps its thread. A queued descriptor is still open, and the execve(2) of a program that is
// started meanwhile would wait for its close. So there are many threads before there is a queue.
constexpr int kMaxThreads = 256;
constexpr size_t kStackSize = size_t{64} * 1024;

// Never destroyed: a thread may be inside close(2) while the process exits.
struct Closer {
  uv_mutex_t mutex;
  uv_cond_t work;
  std::deque<int> queue;
  int threads = 0;
  int idle = 0;

  Closer() {
    uv_mutex_init(&mutex);
    uv_cond_init(&work);
  }
};

void run(void* argument) {
  auto* closer = static_cast<Closer*>(argument);
  uv_mutex_lock(&closer->mutex);
  for (;;) {
    while (closer->queue.empty()) {
      ++closer->idle;
      uv_cond_wait(&closer->work, &closer->mutex);
      --closer->idle;
    }
    int fd = closer->queue.front();
    closer->queue.pop_front();
    uv_mutex_unlock(&closer->mutex);
    close_number(fd);
    uv_mutex_lock(&closer->mutex);
  }
}

bool start_thread(Closer* closer) {
  uv_thread_options_t options{};
  options.flags = UV_THREAD_HAS_STACK_SIZE;
  options.stack_size = kStackSize;
  uv_thread_t thread;
  return uv_thread_create_ex(&thread, &options, run, closer) == 0;
}

void close_on_thread(int fd) {
  static Closer* closer = new Closer;
  uv_mutex_lock(&closer->mutex);
  closer->queue.push_back(fd);
  // An idle thread that was signalled and has not woken yet still counts as idle: compare with the queue, not with 0.
  if (closer->queue.size() > static_cast<size_t>(closer->idle) && closer->threads < kMaxThreads &&
      start_thread(closer)) {
    ++closer->threads;
  }
  uv_cond_signal(&closer->work);
  uv_mutex_unlock(&closer->mutex);
}

// All memfds are on one internal mount, whose device number only they have.
bool is_memfd(const common::FileIdentity& file) {
  static const common::FileIdentity kMemfd = [] {
    common::FileIdentity identity;
    int fd = static_cast<int>(syscall(SYS_memfd_create, "cmsg", 1u /* MFD_CLOEXEC */));
    if (fd != -1) {
      if (!common::identify(fd, &identity)) identity = {};
      close(fd);
    }
    return identity;
  }();
  return kMemfd.mode != 0 && file.dev_major == kMemfd.dev_major && file.dev_minor == kMemfd.dev_minor;
}

// Memory devices such as /dev/null (major number 1), and PTY masters.
bool is_kernels_own_device(const common::FileIdentity& file) {
  return file.rdev_major == 1 || common::is_ptmx(file);
}

// F_GETPIPE_SZ succeeds for a pipe only, and never asks a file system. Called by number: the C library's function is a
// cancellation point, which costs every message time. posix_fadvise(2) would be faster, but makes
// overlayfs open a file first, which can wait for ever on a FUSE mount.
bool is_pipe(int fd) {
  return syscall(SYS_fcntl, fd, F_GETPIPE_SZ) >= 0;
}

bool closes_without_waiting(int fd) {
  // Pipes first: they are frequent, and statx takes several times as long.
  if (is_pipe(fd)) return true;
  common::FileIdentity file;
  if (!common::identify(fd, &file)) return false;
  // No type: an anonymous inode (eventfd, epoll, pidfd …).
  if ((file.mode & S_IFMT) == 0) return true;
  if (S_ISCHR(file.mode)) return is_kernels_own_device(file);
  if (S_ISREG(file.mode)) return is_memfd(file);
  if (!S_ISSOCK(file.mode)) return false;
  // close(2) of a TCP socket with SO_LINGER waits. That of a Unix socket never does.
  int domain = 0;
  socklen_t length = sizeof(domain);
  return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_UNIX;
}

// Closes the numbers from `first` to `last`, which the caller owns all. close_range(2) needs Linux 5.9, and a sandbox
// may refuse it.
void close_run(int first, int last) {
  bool standard = first <= STDERR_FILENO;
  if (first < last && !standard && syscall(SYS_close_range, first, last, 0) == 0) return;
  for (int fd = first; fd <= last; ++fd) close_number(fd);
}

}  // namespace

void close_untrusted(int fd) {
  if (closes_without_waiting(fd)) {
    close_number(fd);
  } else {
    close_on_thread(fd);
  }
}

// The descriptors of a message mostly have consecutive numbers: one call closes a run of them.
void close_untrusted(std::span<const int> fds) {
  int first = 0, last = -1;
  for (int fd : fds) {
    if (!closes_without_waiting(fd)) {
      close_on_thread(fd);
      continue;
    }
    if (fd != last + 1) {
      close_run(first, last);
      first = fd;
    }
    last = fd;
  }
  close_run(first, last);
}

}  // namespace addon
