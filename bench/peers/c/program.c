/* program WHAT: what runs on the terminal, raw but for one case; its standard input and output are the terminal.
 *   flood BYTES   writes so much and waits for the hangup: who ends a terminal too early loses nothing that is counted
 *   lines BYTES   the same in lines of 62 characters, which the terminal (not raw) ends with CR LF: BYTES counts those
 *   burst BYTES   writes so much and exits at once
 *   endless       writes until the hangup
 *   echo          says "r" when it is ready, and then every key
 *   sink BYTES    says "r", reads so much, says "d" and waits
 *   rest          waits */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static char block[65536];

static void say(const void *data, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t n = write(1, (const char *)data + done, size - done);
    if (n <= 0) exit(1);
    done += (size_t)n;
  }
}

static void wait_for_hangup(void) {
  while (read(0, block, sizeof(block)) > 0) continue;
}

static void flood(long bytes) {
  for (long left = bytes; left > 0; left -= (long)sizeof(block))
    say(block, left < (long)sizeof(block) ? (size_t)left : sizeof(block));
}

static void lines(long bytes) {
  for (size_t n = 62; n < sizeof(block); n += 63) block[n] = '\n';
  size_t whole = sizeof(block) / 63 * 63;
  for (long left = bytes / 64 * 63; left > 0; left -= (long)whole)
    say(block, left < (long)whole ? (size_t)left : whole);
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  long bytes = argc > 2 ? atol(argv[2]) : 0;
  struct termios raw;
  if (tcgetattr(0, &raw) != 0) return 1;
  cfmakeraw(&raw);
  if (strcmp(argv[1], "lines") == 0) raw.c_oflag |= OPOST | ONLCR;
  if (tcsetattr(0, TCSANOW, &raw) != 0) return 1;
  memset(block, 'x', sizeof(block));
  if (strcmp(argv[1], "flood") == 0) {
    flood(bytes);
    wait_for_hangup();
  } else if (strcmp(argv[1], "lines") == 0) {
    lines(bytes);
    wait_for_hangup();
  } else if (strcmp(argv[1], "burst") == 0) {
    flood(bytes);
  } else if (strcmp(argv[1], "endless") == 0) {
    for (;;) say(block, sizeof(block));
  } else if (strcmp(argv[1], "echo") == 0) {
    say("r", 1);
    for (ssize_t n; (n = read(0, block, sizeof(block))) > 0;) say(block, (size_t)n);
  } else if (strcmp(argv[1], "sink") == 0) {
    say("r", 1);
    for (long left = bytes; left > 0;) {
      ssize_t n = read(0, block, sizeof(block));
      if (n <= 0) return 1;
      left -= n;
    }
    say("d", 1);
    wait_for_hangup();
  } else if (strcmp(argv[1], "rest") == 0) {
    wait_for_hangup();
  } else {
    return 2;
  }
  return 0;
}
