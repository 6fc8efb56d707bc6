/* first-look: says at once which size its terminal has, and whether it makes CR LF of newlines. */
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>

int main(void) {
  struct winsize size = {0};
  struct termios settings = {0};
  ioctl(0, TIOCGWINSZ, &size);
  tcgetattr(0, &settings);
  printf("%ux%u %s|", size.ws_col, size.ws_row, settings.c_oflag & ONLCR ? "CRLF" : "LF");
  return 0;
}
