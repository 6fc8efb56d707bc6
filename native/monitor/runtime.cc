#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

namespace monitor {

namespace {

// What this process changed of its signals is undone in the command.
int set_attributes(posix_spawnattr_t* attributes) {
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  int error = posix_spawnattr_setsigmask(attributes, &none);
  if (error == 0) error = posix_spawnattr_setsigdefault(attributes, &all);
  if (error == 0) error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  return error;
}

int set_descriptors(posix_spawn_file_actions_t* actions, int output) {
  int error = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
  if (error == 0) error = posix_spawn_file_actions_adddup2(actions, output, STDERR_FILENO);
  return error;
}

}  // namespace

int start_runtime(char** command, Runtime* runtime) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) == -1) return errno;
  runtime->output.reset(ends[0]);
  core::UniqueFd writing(ends[1]);
  // The command's end is another open file description: this one's mode is not its.
  if (fcntl(ends[0], F_SETFL, O_NONBLOCK) == -1) return errno;

  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  int error = posix_spawnattr_init(&attributes);
  if (error != 0) return error;
  error = posix_spawn_file_actions_init(&actions);
  if (error == 0) error = set_attributes(&attributes);
  if (error == 0) error = set_descriptors(&actions, writing.get());
  if (error == 0) error = posix_spawnp(&runtime->pid, command[0], &actions, &attributes, command, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}

}  // namespace monitor
