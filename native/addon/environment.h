// What one JavaScript environment (the main thread, or a Worker) has of native state. Everything here belongs to that
// environment's thread; the one thing that all environments share is the closer's threads (closer.h).
#pragma once

#include <napi.h>

#include <memory>

#include "owned_fds.h"
#include "reactor.h"

namespace addon {

struct Environment {
  OwnedFds fds;
  std::shared_ptr<Reactor> reactor;

  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }
};

}  // namespace addon
