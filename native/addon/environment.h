// What one JavaScript environment (the main thread, or a Worker) has of native state. Everything here belongs to that
// environment's thread; what all environments share is the closer's threads (closer.h) and the watchdog's (watchdog.h).
#pragma once

#include <napi.h>

#include <memory>
#include <span>

#include "fd_table.h"
#include "owned_fds.h"
#include "reactor.h"
#include "watchdog.h"

namespace addon {

// Memory of JavaScript's that sendmsg and recvmsg use for every message.
struct SharedMemory {
  int32_t* slots = nullptr;
  std::span<uint8_t> scratch;
  Napi::ObjectReference keep_slots;
  Napi::ObjectReference keep_scratch;
};

struct Environment {
  OwnedFds fds;
  FdTable table;
  SharedMemory shared;
  std::shared_ptr<Reactor> reactor;
  // Made with the first console.
  std::shared_ptr<Watchdog> watchdog;

  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }
};

}  // namespace addon
