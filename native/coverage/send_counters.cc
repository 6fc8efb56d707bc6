// Linked into the executables only where the coverage of the tests is measured
// (scripts/verify/coverage.mjs). These processes end by execve(2), _exit(2) or a signal to themselves, often in a root
// file system that has no place for a file. So before each end they send their counters as one datagram to the
// collector's abstract socket, which needs no file. The linker replaces the C library's functions by these (--wrap).
// The counters of a process that another process kills, or that runs in another network namespace, are lost.
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "retry.h"
#include "unique_fd.h"

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming): LLVM's names and
// the linker's
extern "C" {
// Its definition here keeps the part of LLVM's runtime that writes files out of the executable.
int __llvm_profile_runtime = 0;
uint64_t __llvm_profile_get_size_for_buffer();
int __llvm_profile_write_buffer(char* buffer);

int __real_execve(const char* path, char* const argv[], char* const envp[]);
int __real_execvp(const char* file, char* const argv[]);
int __real_kill(pid_t pid, int number);
[[noreturn]] void __real__exit(int status);
}

namespace {

constexpr char kCollector[] = COVERAGE_SOCKET;

void send_counters() {
  static char bytes[1 << 17];
  uint64_t size = __llvm_profile_get_size_for_buffer();
  if (size > sizeof(bytes) || __llvm_profile_write_buffer(bytes) != 0) return;
  common::UniqueFd sender(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!sender.valid()) return;
  sockaddr_un collector{};
  collector.sun_family = AF_UNIX;
  // After the NUL that makes it an abstract name.
  memcpy(collector.sun_path + 1, kCollector, sizeof(kCollector) - 1);
  auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + sizeof(kCollector));
  common::retry_on_eintr(
      [&] { return sendto(sender.get(), bytes, size, MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&collector), length); });
}

}  // namespace

extern "C" {

int __wrap_execve(const char* path, char* const argv[], char* const envp[]) {
  send_counters();
  return __real_execve(path, argv, envp);
}

int __wrap_execvp(const char* file, char* const argv[]) {
  send_counters();
  return __real_execvp(file, argv);
}

int __wrap_kill(pid_t pid, int number) {
  if (pid == getpid()) send_counters();
  return __real_kill(pid, number);
}

// exit(3) comes here too.
[[noreturn]] void __wrap__exit(int status) {
  send_counters();
  __real__exit(status);
}
}
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming)
