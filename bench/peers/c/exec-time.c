// harness SOCKET ROUNDS STAMP COMMAND... [-- COMMAND...]...: how long from execve to the first instruction of a program
// that each COMMAND starts. The program is this one, called as `harness stamp FILE`; FILE is STAMP in the commands.
//
// Listens on SOCKET, with room for one sender a round in the backlog, so that no receiver takes processor time. The
// commands take turns, round by round: what else the machine does hits all alike. Prints one line of microseconds for
// each command.
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

enum { kMostCommands = 16 };

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static long long* open_stamp(const char* path) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd == -1 || ftruncate(fd, sizeof(long long)) == -1) fail(path);
  void* shared = mmap(NULL, sizeof(long long), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (shared == MAP_FAILED) fail("mmap");
  close(fd);
  return shared;
}

static int listen_at(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener == -1 || bind(listener, (struct sockaddr*)&address, sizeof(address)) == -1) fail(path);
  if (listen(listener, 8) == -1) fail("listen");
  fcntl(listener, F_SETFL, O_NONBLOCK);
  return listener;
}

// The message in it, and with that the terminal, goes with the connection.
static void forget_senders(int listener) {
  for (int sender; (sender = accept(listener, NULL, NULL)) != -1;) close(sender);
}

static double round_of(char** command, volatile long long* stamp, int listener) {
  *stamp = 0;
  pid_t child;
  long long begin = now();
  if (posix_spawn(&child, command[0], NULL, NULL, command, environ) != 0) fail(command[0]);
  int status;
  waitpid(child, &status, 0);
  forget_senders(listener);
  if (status != 0 || *stamp == 0) {
    fprintf(stderr, "%s ended with status %d\n", command[0], status);
    exit(1);
  }
  return (*stamp - begin) / 1000.0;
}

int main(int argc, char** argv) {
  long long first = now();
  if (argc == 3 && strcmp(argv[1], "stamp") == 0) {
    *open_stamp(argv[2]) = first;
    return 0;
  }
  if (argc < 5) return 2;
  int listener = listen_at(argv[1]);
  int rounds = atoi(argv[2]);
  volatile long long* stamp = open_stamp(argv[3]);
  char** commands[kMostCommands] = {&argv[4]};
  int count = 1;
  for (int i = 4; i < argc; i++) {
    // A command has a "--" of its own; "---" is between two.
    if (strcmp(argv[i], "---") != 0 || count == kMostCommands) continue;
    argv[i] = NULL;
    commands[count++] = &argv[i + 1];
  }
  double* times = malloc(sizeof(double) * rounds * count);
  for (int round = 0; round < rounds; round++) {
    for (int i = 0; i < count; i++) times[i * rounds + round] = round_of(commands[i], stamp, listener);
  }
  for (int i = 0; i < count; i++) {
    for (int round = 0; round < rounds; round++) printf("%.1f ", times[i * rounds + round]);
    printf("\n");
  }
  return 0;
}
