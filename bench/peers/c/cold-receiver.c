/* cold-receiver SOCKET: takes one console, sets its size to 91x17 and ONLCR off, and copies what it shows to standard
 * output. Nothing is checked: as quick as a receiver can be. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path)) return 2;
  strcpy(address.sun_path, argv[1]);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 1) != 0) return 1;
  int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  char name[4096];
  struct iovec vector = {name, sizeof(name)};
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
  if (recvmsg(connection, &message, MSG_CMSG_CLOEXEC) <= 0 || message.msg_controllen == 0) return 1;
  int master;
  memcpy(&master, CMSG_DATA(&control.header), sizeof(master));
  struct winsize size = {.ws_col = 91, .ws_row = 17};
  ioctl(master, TIOCSWINSZ, &size);
  struct termios settings;
  tcgetattr(master, &settings);
  settings.c_oflag &= ~(tcflag_t)ONLCR;
  tcsetattr(master, TCSANOW, &settings);
  unlink(argv[1]);
  ssize_t count;
  while ((count = read(master, name, sizeof(name))) > 0) {
    if (write(1, name, (size_t)count) != count) return 1;
  }
  return 0;
}
