// Native state of one JavaScript environment (the main thread, or a Worker). It belongs to that environment's thread.
// All environments share the threads of closer.h and watchdog.h.
#pragma once

#include <napi.h>

#include <memory>
#include <span>

#include "closing_news.h"
#include "descriptor_limit.h"
#include "owned_fds.h"
#include "owned_files.h"
#include "reactor.h"
#include "started_children.h"
#include "watchdog.h"

namespace addon {

// JavaScript memory that sendmsg and recvmsg use for every message.
struct SharedMemory {
  int32_t* slots = nullptr;
  std::span<uint8_t> scratch;
  Napi::ObjectReference keep_slots;
  Napi::ObjectReference keep_scratch;
};

struct Environment {
  OwnedFds fds;
  ClosingNews closing;
  OwnedFiles files;
  StartedChildren children;
  DescriptorLimit descriptor_limit;
  SharedMemory shared;
  std::shared_ptr<Reactor> reactor;
  // Created with the first console.
  std::shared_ptr<Watchdog> watchdog;

  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }
};

}  // namespace addon
