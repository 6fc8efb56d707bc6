// The addon: the state of one environment, and the functions of each family. binding/native.ts and binding/messages.ts
// document them.
#include <napi.h>

#include "closer.h"
#include "console_receiver.h"
#include "environment.h"
#include "errors.h"
#include "families.h"
#include "pty_stream.h"
#include "watcher.h"

namespace addon {

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  // Where no thread can be started, every descriptor that a peer sent would stay open.
  if (int error = start_closer(); error != 0) {
    throw_errno(env, error, "pthread_create");
  }
  auto* environment = new Environment;
  env.SetInstanceData(environment);
  environment->reactor = Reactor::create(env);
  // Without it (no thread, no descriptor) the first process to start tries again.
  begin_starting_thread();
  define_descriptors(env, exports);
  define_errors(env, exports);
  define_closing(env, exports);
  define_files(env, exports);
  define_sockets(env, exports);
  define_vsock(env, exports);
  define_messages(env, exports);
  define_creation(env, exports);
  define_processes(env, exports);
  define_starting(env, exports);
  define_terminals(env, exports);
  define_sessions(env, exports);
  define_scheduling(env, exports);
  define_consoles(env, exports);
  define_pty_allocation(env, exports);
  exports.Set("Watcher", Watcher::define(env));
  exports.Set("ConsoleReceiver", ConsoleReceiver::define(env));
  exports.Set("PtyStream", PtyStream::define(env));
  return exports;
}

NODE_API_MODULE(cmsg, initialise)

}  // namespace addon
