// Threads, mutexes and condition variables of POSIX. libuv's would tie the code to Node.js's own event loop, and the
// C++ library's throw.
#pragma once

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <mutex>

namespace addon {

class Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() { pthread_mutex_lock(&mutex_); }
  void unlock() { pthread_mutex_unlock(&mutex_); }

 private:
  friend class Condition;
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};

using Lock = std::unique_lock<Mutex>;

// Its time limits do not move with the wall clock.
class Condition {
 public:
  Condition() {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&condition_, &attributes);
    pthread_condattr_destroy(&attributes);
  }
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  void wait(Lock& lock) { pthread_cond_wait(&condition_, &lock.mutex()->mutex_); }
  // Until monotonic_ns() is `deadline` at the latest.
  void wait_until(Lock& lock, uint64_t deadline) {
    timespec time{static_cast<time_t>(deadline / 1'000'000'000), static_cast<long>(deadline % 1'000'000'000)};
    pthread_cond_timedwait(&condition_, &lock.mutex()->mutex_, &time);
  }
  void signal() { pthread_cond_signal(&condition_); }
  void broadcast() { pthread_cond_broadcast(&condition_); }

 private:
  pthread_cond_t condition_;
};

inline uint64_t monotonic_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

constexpr size_t kSmallStack = size_t{64} * 1024;

// Starts a thread that is never joined, with a small stack and with all signals blocked: a handler of the program must
// not run on it. 0, or the error's number.
inline int start_thread(void* (*run)(void*), void* argument, size_t stack_size = kSmallStack) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_size);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  // The new thread inherits the mask, so no signal can arrive before it has blocked it. sigprocmask(2) changes the
  // calling thread's mask alone on Linux, and the oldest supported C library has it outside of libpthread.
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  int error = pthread_create(&thread, &attributes, run, argument);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return error;
}

// The main thread's environment ends only when the process exits.
inline bool is_main_thread() {
  return syscall(SYS_gettid) == getpid();
}

}  // namespace addon
