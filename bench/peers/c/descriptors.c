/* descriptors N FDS [ask]: sends FDS descriptors (all of them standard input) and 16 bytes through a socketpair, receives
 * them and closes each, N times. The buffers are as large as those of cmsg. With `ask` it is known of each whether its
 * close(2) could wait for somebody: a pipe's cannot. Prints {"seconds":S}. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 1000;
  int count = argc > 2 ? atoi(argv[2]) : 1;
  int asks = argc > 3;
  int pair[2], fds[253] = {0}, got[253];
  size_t bytes = sizeof(int) * (size_t)count;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) return 1;
  char data[16] = {0}, into[65536];
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int) * 253)];
  } control;
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (long i = 0; i < n; ++i) {
    struct iovec out = {data, sizeof(data)};
    struct msghdr message = {.msg_iov = &out, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(bytes)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(header), fds, bytes);
    if (sendmsg(pair[0], &message, MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof(data)) return 1;
    struct iovec in = {into, sizeof(into)};
    struct msghdr received = {.msg_iov = &in, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    if (recvmsg(pair[1], &received, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != sizeof(data)) return 1;
    header = CMSG_FIRSTHDR(&received);
    if (header == NULL || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(bytes)) return 1;
    memcpy(got, CMSG_DATA(header), bytes);
    for (int j = 0; j < count; ++j) {
      if (asks && fcntl(got[j], F_GETPIPE_SZ) < 0) return 1;
      close(got[j]);
    }
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("{\"seconds\":%.6f}\n", (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9);
  return 0;
}
