#include "command.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace init {

namespace {

constexpr char kDefaultPath[] = "/bin:/usr/bin";  // as glibc searches without PATH
constexpr char kShell[] = "/bin/sh";

struct Attempt {
  int error = ENOENT;
  bool found = false;  // a file is there
};

// POSIX: the shell runs an executable file of an unknown format, a script without #!.
void run_as_script(const char* file, char** command) {
  size_t count = 0;
  while (command[count] != nullptr) count++;
  char** arguments = static_cast<char**>(calloc(count + 2, sizeof(char*)));
  if (arguments == nullptr) return;
  arguments[0] = const_cast<char*>(kShell);
  arguments[1] = const_cast<char*>(file);
  for (size_t i = 1; i < count; i++) arguments[i + 1] = command[i];
  execve(kShell, arguments, environ);
  free(static_cast<void*>(arguments));
}

Attempt run_file(const char* file, char** command) {
  execve(file, command, environ);
  Attempt attempt;
  attempt.error = errno;
  if (attempt.error == ENOEXEC) run_as_script(file, command);
  attempt.found = access(file, F_OK) == 0;
  return attempt;
}

// With these errors the next directory is tried. Any other error ends the search.
bool may_be_elsewhere(int error) {
  return error == ENOENT || error == ENOTDIR || error == EACCES || error == ENODEV || error == ESTALE ||
         error == ETIMEDOUT || error == ELOOP || error == ENAMETOOLONG;
}

Attempt search(const char* path, char** command) {
  const char* name = command[0];
  size_t name_length = strlen(name);
  Attempt best;
  for (const char* entry = path;; entry++) {
    const char* end = strchrnul(entry, ':');
    size_t length = static_cast<size_t>(end - entry);
    char file[PATH_MAX];
    if (length + 1 + name_length < sizeof(file)) {
      // An empty entry is the working directory.
      memcpy(file, entry, length);
      file[length] = '/';
      char* tail = length > 0 ? file + length + 1 : file;
      memcpy(tail, name, name_length + 1);
      Attempt attempt = run_file(file, command);
      if (!may_be_elsewhere(attempt.error)) return attempt;
      if (attempt.found && !best.found) best = attempt;
    }
    if (*end == '\0') return best;
    entry = end;
  }
}

}  // namespace

ExitStatus run_command(char** command, Message* problem) {
  const char* name = command[0];
  const char* path = getenv("PATH");
  if (path == nullptr) path = kDefaultPath;
  bool searched = strchr(name, '/') == nullptr;
  Attempt attempt;
  if (name[0] != '\0') attempt = searched ? search(path, command) : run_file(name, command);
  if (attempt.found && attempt.error == ENOENT) {
    problem->set(
        "expected a program, got {}: its interpreter or dynamic loader does not exist here; add that to the root "
        "file system",
        foreign(name));
    return kNotExecutable;
  }
  bool missing = !attempt.found && (attempt.error == ENOENT || attempt.error == ENOTDIR);
  if (missing && searched) {
    problem->set(
        "expected a program, got {}: not found in the path {}; check the name as it is in this root file system",
        foreign(name), foreign(path));
    return kNotFound;
  }
  if (missing) {
    problem->set("expected a program, got {}: no such file; check the name as it is in this root file system",
                 foreign(name));
    return kNotFound;
  }
  problem->set("expected a program, got {}: {}; check its mode and format", foreign(name), strerror(attempt.error));
  return kNotExecutable;
}

}  // namespace init
