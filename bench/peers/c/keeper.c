/* keeper output BYTES KEEPER | echo KEYS KEEPER: the console whose ptmx is descriptor 3 through console-keeper, whose only
 * client this is: it paces with a window of 256 KiB and acknowledges each 64 KiB, as launch() will. The keeper's command
 * is this program too, `keeper send PATH`, which sends its standard input as a runtime does. CPU is that of all
 * processes. Prints its figures as JSON. native/keeper has the records. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { kPtmx = 3, kWindow = 262144, kEach = 65536 };
struct record {
  uint32_t length;
  uint16_t kind, zero;
  uint64_t value;
};
static int reader, reaper, reader_pid, reaper_pid;
static char block[1 << 18];
static size_t filled;
static uint64_t acknowledged, at;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double cpu_of(int pid) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
  FILE *file = fopen(path, "r");
  unsigned long long ran = 0;
  if (file == NULL || fscanf(file, "%llu", &ran) != 1) exit(3);
  fclose(file);
  return (double)ran / 1e9;
}

static double cpu(void) { return cpu_of(getpid()) + cpu_of(reader_pid) + cpu_of(reaper_pid); }

static void put(int socket, uint16_t kind, uint64_t value, const void *payload, size_t length) {
  struct record record = {(uint32_t)length, kind, 0, value};
  char bytes[sizeof(record) + 4096];
  memcpy(bytes, &record, sizeof(record));
  if (length > 0) memcpy(bytes + sizeof(record), payload, length);
  if (send(socket, bytes, sizeof(record) + length, MSG_NOSIGNAL) != (ssize_t)(sizeof(record) + length)) exit(4);
}

static void send_descriptor(int socket, const char *data, size_t length, int fd) {
  char control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec bytes = {(char *)data, length};
  struct msghdr message = {
      .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof(int));
  if (sendmsg(socket, &message, 0) != (ssize_t)length) exit(5);
}

static int send_input(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
  int socket_fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(socket_fd, (struct sockaddr *)&address, sizeof(address)) != 0) return 6;
  send_descriptor(socket_fd, "/dev/ptmx", 9, 0);
  close(socket_fd);
  close(0);
  pause();
  return 0;
}

/* The next bytes; of records, those of output are counted, and kept in `block` for the echo. */
static size_t take(void) {
  ssize_t n = recv(reader, block + filled, sizeof(block) - filled, 0);
  if (n <= 0) exit(7);
  filled += (size_t)n;
  size_t from = 0, output = 0;
  struct record record;
  while (filled - from >= sizeof(record)) {
    memcpy(&record, block + from, sizeof(record));
    if (filled - from < sizeof(record) + record.length) break;
    if (record.kind == 65) output += record.length;
    from += sizeof(record) + record.length;
  }
  memmove(block, block + from, filled - from);
  filled -= from;
  at += output;
  if (at - acknowledged >= kEach) {
    acknowledged = at;
    put(reader, 3, at, NULL, 0);
  }
  return output;
}

static void start(const char *keeper, const char *self) {
  int of_reader[2], of_reaper[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, of_reader) || socketpair(AF_UNIX, SOCK_STREAM, 0, of_reaper)) exit(8);
  int ptmx = fcntl(kPtmx, F_DUPFD_CLOEXEC, 20);
  reader_pid = fork();
  if (reader_pid == 0) {
    int from = fcntl(of_reader[1], F_DUPFD_CLOEXEC, 20), other = fcntl(of_reaper[1], F_DUPFD_CLOEXEC, 20);
    dup2(from, 3);
    dup2(other, 4);
    for (int fd = 5; fd < 20; fd++) close(fd);
    execl(keeper, keeper, (char *)NULL);
    _exit(127);
  }
  close(of_reader[1]);
  close(of_reaper[1]);
  close(kPtmx);
  reader = of_reader[0];
  reaper = of_reaper[0];
  uint32_t attach[3] = {4, kWindow, UINT32_MAX};
  put(reader, 1, 1, NULL, 0);
  put(reader, 2, 0, attach, sizeof(attach));
  put(reaper, 1, 1, NULL, 0);
  char path[108], body[1024];
  snprintf(path, sizeof(path), "/tmp/bench-keeper-%d", getpid());
  uint32_t header[8] = {32, 1, 0, 0, 1000, 0, 3, 0};
  memcpy(body, header, sizeof(header));
  size_t length = sizeof(header);
  const char *strings[] = {"", path, "", self, "send", path};
  for (int i = 0; i < 6; i++) length += (size_t)sprintf(body + length, "%s", strings[i]) + 1;
  struct record record = {(uint32_t)length, 13, 0, 0};
  char bytes[sizeof(record) + sizeof(body)];
  memcpy(bytes, &record, sizeof(record));
  memcpy(bytes + sizeof(record), body, length);
  send_descriptor(reaper, bytes, sizeof(record) + length, ptmx);
  close(ptmx);
  while (take() == 0) continue;
  /* The reaper is the reader's only child. */
  char list[64];
  snprintf(list, sizeof(list), "/proc/%d/task/%d/children", reader_pid, reader_pid);
  FILE *file = fopen(list, "r");
  if (file == NULL || fscanf(file, "%d", &reaper_pid) != 1) exit(9);
  fclose(file);
}

static int ascending(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "send") == 0) return send_input(argv[2]);
  if (argc < 4) return 2;
  long count = atol(argv[2]);
  char self[4096] = {0};
  if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0) return 2;
  start(argv[3], self);
  if (strcmp(argv[1], "output") == 0) {
    double begun = now(), used = cpu();
    while ((long)at < count) take();
    double ended = now();
    printf("{\"seconds\":%.6f,\"cpu\":%.6f}\n", ended - begun, (cpu() - used) / (double)count * 1073741824.0);
  } else {
    double *times = malloc(sizeof(double) * (size_t)count);
    for (long i = 0; i < count; ++i) {
      double begun = now();
      put(reader, 4, 0, "k", 1);
      while (take() == 0) continue;
      times[i] = (now() - begun) * 1e6;
    }
    qsort(times, (size_t)count, sizeof(double), ascending);
    printf("{\"p50\":%.3f,\"p99\":%.3f}\n", times[count / 2], times[count * 99 / 100]);
  }
  fflush(stdout);
  put(reaper, 7, 9, NULL, 0);
  close(reader);
  close(reaper);
  return 0;
}
