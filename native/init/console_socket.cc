#include "console_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control_message.h"
#include "retry.h"
#include "working_directory.h"

namespace init {

namespace {

using common::UniqueFd;

constexpr size_t kMaxNameBytes = sizeof(sockaddr_un::sun_path);

// The length counts no NUL at the end: a path can then use all 108 bytes, and in an abstract name a NUL would be part
// of the name.
int connect_bytes(int socket, const char* bytes, size_t length) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, bytes, length);
  socklen_t size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  return common::retry_on_eintr([&] { return connect(socket, reinterpret_cast<sockaddr*>(&address), size); });
}

// For a path of more than the 108 bytes of an address. Not through /proc/self/fd/N/name, because a container need not
// have a /proc.
int connect_from_its_directory(int socket, const char* path, size_t directory_length) {
  char directory_name[PATH_MAX];
  if (directory_length >= sizeof(directory_name)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(directory_name, path, directory_length);
  directory_name[directory_length] = '\0';
  UniqueFd directory(open(directory_name, O_PATH | O_DIRECTORY | O_CLOEXEC));
  WorkingDirectory there;
  if (!directory.valid() || !there.enter(directory.get())) return -1;
  const char* name = path + directory_length;
  int connected = connect_bytes(socket, name, strlen(name));
  int error = errno;
  if (!there.leave()) return -1;
  errno = error;
  return connected;
}

int connect_path(int socket, const char* path) {
  size_t length = strlen(path);
  if (length <= kMaxNameBytes) return connect_bytes(socket, path, length);
  const char* slash = strrchr(path, '/');
  if (slash == nullptr || strlen(slash + 1) > kMaxNameBytes) {
    errno = ENAMETOOLONG;
    return -1;
  }
  return connect_from_its_directory(socket, path, static_cast<size_t>(slash + 1 - path));
}

int connect_abstract(int socket, const char* name) {
  size_t length = strlen(name);
  if (length >= kMaxNameBytes) {
    errno = ENAMETOOLONG;
    return -1;
  }
  char bytes[kMaxNameBytes] = {};
  memcpy(bytes + 1, name, length);  // NOLINT(bugprone-not-null-terminated-result): no NUL is wanted
  return connect_bytes(socket, bytes, 1 + length);
}

bool refuse_connect(const char* name, int error, Message* problem) {
  Value socket = foreign(name);
  switch (error) {
    case ENOENT:
      return refuse(problem,
                    "--console-socket {}: expected a receiver that listens there, got no such file; start the receiver "
                    "first, and give the path as it is in the container",
                    socket);
    case ECONNREFUSED:
      return refuse(problem,
                    "--console-socket {}: expected a receiver that listens there, got a refused connection; start the "
                    "receiver first",
                    socket);
    case EPROTOTYPE:
      return refuse(
          problem,
          "--console-socket {}: expected a receiver that listens there, got a socket of another type; make the "
          "receiver listen on a stream socket",
          socket);
    case ENAMETOOLONG:
      return refuse(
          problem,
          "--console-socket {}: expected a receiver that listens there, got a name that is too long for a Unix "
          "socket; use one of at most 108 bytes (107 after @)",
          socket);
    default:
      return refuse(
          problem,
          "--console-socket {}: expected a receiver that listens there, got {}; check the path and its permissions",
          socket, strerror(error));
  }
}

// What the descriptor is instead of a socket. The C libraries' texts for the frequent two differ, and say less.
const char* other_than_socket(int error) {
  if (error == EBADF) return "a descriptor that is not open";
  return error == ENOTSOCK ? "a file that is not a socket" : strerror(error);
}

bool adopt(int number, UniqueFd* socket, Message* problem) {
  int domain = 0;
  int type = 0;
  socklen_t length = sizeof(int);
  bool answered = getsockopt(number, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
                  getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &length) == 0;
  int error = errno;
  // A TCP socket would send the message and silently drop the descriptor.
  if (answered && domain == AF_UNIX && type == SOCK_STREAM) {
    socket->reset(number);
    return true;
  }
  return refuse(problem,
                "--console-socket-fd {}: expected a connected Unix stream socket, got {}; check which descriptors this "
                "process was started with",
                static_cast<unsigned>(number),
                answered ? "a socket of another domain or type" : other_than_socket(error));
}

// An inherited socket may be non-blocking. Other processes share that flag, so it stays, and poll(2) waits.
ssize_t send_waiting(int socket, const char* bytes, size_t length, const int* fds, size_t fd_count) {
  for (;;) {
    ssize_t sent = common::send_message(socket, bytes, length, fds, fd_count, 0);
    if (sent != -1 || errno != EAGAIN) return sent;
    pollfd writable{socket, POLLOUT, 0};
    if (common::retry_on_eintr([&] { return poll(&writable, 1, -1); }) == -1) return -1;
  }
}

bool refuse_send(int error, Message* problem) {
  switch (error) {
    case EPIPE:
    case ECONNRESET:
      return refuse(problem,
                    "expected the receiver to take the terminal, got a closed connection; see what the receiver says");
    case EPERM:
      return refuse(
          problem,
          "expected the receiver to take the terminal, got a socket that refuses descriptors; set SO_PASSRIGHTS "
          "on the receiver's side");
    case ETOOMANYREFS:
      return refuse(problem,
                    "expected the receiver to take the terminal, got too many descriptors in flight for this user; let "
                    "receivers take theirs, then try again");
    default:
      return refuse(
          problem,
          "expected the receiver to take the terminal, got {}; check that the socket is connected to a receiver",
          strerror(error));
  }
}

}  // namespace

bool open_console_socket(const Options& options, UniqueFd* socket, Message* problem) {
  if (options.console_socket == nullptr) return adopt(options.console_socket_fd, socket, problem);
  const char* name = options.console_socket;
  UniqueFd created(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!created.valid()) {
    return refuse(problem, "expected a Unix socket, got {}; see what denies socket(2) here", strerror(errno));
  }
  int connected = name[0] == '@' ? connect_abstract(created.get(), name + 1) : connect_path(created.get(), name);
  if (connected == -1) return refuse_connect(name, errno, problem);
  socket->reset(created.release());
  return true;
}

bool send_console(const UniqueFd& socket, const char* name, const UniqueFd& ptmx, Message* problem) {
  size_t length = strlen(name);  // no NUL: receivers take the bytes as they are
  int fd = ptmx.get();
  ssize_t sent = send_waiting(socket.get(), name, length, &fd, 1);
  if (sent == static_cast<ssize_t>(length)) return true;
  // A name fits one buffer of the kernel, which takes all of it or nothing.
  return refuse_send(sent == -1 ? errno : EMSGSIZE, problem);
}

}  // namespace init
