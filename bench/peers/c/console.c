/* console output BYTES [MICROSECONDS] | echo KEYS | paste BYTES [spin]: a terminal's other side, the ptmx on descriptor 3,
 * with poll and buffers of 64 KiB. With MICROSECONDS it comes so much later when there is output again, for more of it;
 * `spin` tries to write again and again instead of waiting for room. Prints its figures as JSON. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { kPtmx = 3 };
static char block[65536];
static long late;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double cpu(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static long take(void) {
  for (;;) {
    ssize_t n = read(kPtmx, block, sizeof(block));
    if (n > 0) return n;
    if (n == 0 || errno != EAGAIN) exit(1);
    struct pollfd ready = {.fd = kPtmx, .events = POLLIN};
    poll(&ready, 1, -1);
    if (late > 0) usleep((useconds_t)late);
  }
}

static void print_rates(long bytes, double start, double used) {
  printf("{\"seconds\":%.6f,\"cpu\":%.6f}\n", now() - start, (cpu() - used) / (double)bytes * 1073741824.0);
}

static int ascending(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  long count = atol(argv[2]);
  if (argc > 3) late = atol(argv[3]);
  fcntl(kPtmx, F_SETFL, fcntl(kPtmx, F_GETFL) | O_NONBLOCK);
  if (strcmp(argv[1], "output") == 0) {
    long left = count - take();
    double start = now(), used = cpu();
    while (left > 0) left -= take();
    print_rates(count, start, used);
  } else if (strcmp(argv[1], "echo") == 0) {
    take();
    double *times = malloc(sizeof(double) * (size_t)count);
    for (long i = 0; i < count; ++i) {
      double start = now();
      if (write(kPtmx, "k", 1) != 1) return 1;
      struct pollfd ready = {.fd = kPtmx, .events = POLLIN};
      poll(&ready, 1, -1);
      take();
      times[i] = (now() - start) * 1e6;
    }
    qsort(times, (size_t)count, sizeof(double), ascending);
    printf("{\"p50\":%.3f,\"p99\":%.3f}\n", times[count / 2], times[count * 99 / 100]);
  } else if (strcmp(argv[1], "paste") == 0) {
    take();
    int spins = argc > 3;
    char *text = malloc((size_t)count);
    memset(text, 'x', (size_t)count);
    double start = now(), used = cpu();
    for (long done = 0; done < count;) {
      ssize_t n = write(kPtmx, text + done, (size_t)(count - done));
      if (n > 0) {
        done += n;
      } else if (errno == EAGAIN) {
        if (spins) continue;
        struct pollfd ready = {.fd = kPtmx, .events = POLLOUT};
        poll(&ready, 1, -1);
      } else {
        return 1;
      }
    }
    take();
    print_rates(count, start, used);
  } else {
    return 2;
  }
  return 0;
}
