/* start exit COMMAND... | start listen SOCKET COMMAND...: milliseconds from exec until COMMAND has ended, or until a
 * connection to SOCKET is taken (tried each 100 us), and its largest resident memory. Prints {"ms":N,"memory":KiB}. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static int answers(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int result = connect(fd, (struct sockaddr *)&address, sizeof(address));
  close(fd);
  return result == 0;
}

int main(int argc, char **argv) {
  int listens = argc > 3 && strcmp(argv[1], "listen") == 0;
  if (argc < 3) return 2;
  char **command = &argv[listens ? 3 : 2];
  /* What the command says must not stand among the figures. */
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
  pid_t child;
  double start = now();
  if (posix_spawnp(&child, command[0], &quiet, NULL, command, environ) != 0) return 1;
  struct rusage used;
  int status = 0;
  double end;
  if (listens) {
    struct timespec pause = {.tv_nsec = 100000};
    while (!answers(argv[2])) {
      if (waitpid(child, &status, WNOHANG) != 0) return 1;
      nanosleep(&pause, NULL);
    }
    end = now();
    kill(child, SIGKILL);
    wait4(child, &status, 0, &used);
    unlink(argv[2]);
  } else {
    wait4(child, &status, 0, &used);
    end = now();
    if (status != 0) return 1;
  }
  printf("{\"ms\":%.3f,\"memory\":%ld}\n", end - start, used.ru_maxrss);
  return 0;
}
