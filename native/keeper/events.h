// epoll(7). An event is told with a number that its owner chose.
#pragma once

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "unique_fd.h"

namespace keeper {

class Events {
 public:
  static constexpr int kBatch = 16;

  // False with errno set.
  bool open() {
    epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
    return epoll_.valid();
  }

  bool add(int fd, uint32_t events, uint32_t number) { return control(EPOLL_CTL_ADD, fd, events, number); }
  bool change(int fd, uint32_t events, uint32_t number) { return control(EPOLL_CTL_MOD, fd, events, number); }
  // Before the descriptor is closed: another process may share it, and its events would go on.
  void remove(int fd) { epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

  // The number of events, 0 also when a signal came.
  int wait(epoll_event (&events)[kBatch], int timeout) {
    int count = epoll_wait(epoll_.get(), events, kBatch, timeout);
    return count == -1 && errno == EINTR ? 0 : count;
  }

  int fd() const { return epoll_.get(); }

 private:
  bool control(int operation, int fd, uint32_t events, uint32_t number) {
    epoll_event event{};
    event.events = events;
    event.data.u32 = number;
    return epoll_ctl(epoll_.get(), operation, fd, &event) == 0;
  }

  common::UniqueFd epoll_;
};

}  // namespace keeper
