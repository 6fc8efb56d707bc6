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

constexpr size_t kNameLimit = sizeof(sockaddr_un::sun_path);

// The length is exact: no NUL behind a path, which makes all 108 bytes usable, and none behind an abstract name, where
// it would be part of the name.
int connect_bytes(int socket, const char* bytes, size_t length) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, bytes, length);
  socklen_t size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  return common::retry_on_eintr([&] { return connect(socket, reinterpret_cast<sockaddr*>(&address), size); });
}

// An address holds 108 bytes and a path may be longer. /proc/self/fd/N/name would be the usual way round, but a
// container need not have a /proc.
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
  if (length <= kNameLimit) return connect_bytes(socket, path, length);
  const char* slash = strrchr(path, '/');
  if (slash == nullptr || strlen(slash + 1) > kNameLimit) {
    errno = ENAMETOOLONG;
    return -1;
  }
  return connect_from_its_directory(socket, path, static_cast<size_t>(slash + 1 - path));
}

int connect_abstract(int socket, const char* name) {
  size_t length = strlen(name);
  if (length >= kNameLimit) {
    errno = ENAMETOOLONG;
    return -1;
  }
  char bytes[kNameLimit] = {};
  memcpy(bytes + 1, name, length);  // NOLINT(bugprone-not-null-terminated-result): no NUL is wanted
  return connect_bytes(socket, bytes, 1 + length);
}

void explain_connect(const char* name, int error, Message* problem) {
  problem->add("--console-socket ").quote(name).add(": expected a receiver that listens there, got ");
  switch (error) {
    case ENOENT:
      problem->add("no such file; start the receiver first, and give the path as it is in the container");
      return;
    case ECONNREFUSED:
      problem->add("a refused connection: nobody listens; start the receiver first");
      return;
    case EPROTOTYPE:
      problem->add("a socket of another type; make the receiver listen on a stream socket");
      return;
    case ENAMETOOLONG:
      problem->add("a name that no Unix socket can have; use one of at most 108 bytes (107 behind @)");
      return;
    default:
      problem->error(error).add("; check the path and who may use it");
  }
}

// The frequent two in words of its own: what a C library calls them differs, and says less.
void explain_descriptor(int error, Message* problem) {
  if (error == EBADF) {
    problem->add("a descriptor that is not open");
  } else if (error == ENOTSOCK) {
    problem->add("something else than a socket");
  } else {
    problem->error(error);
  }
}

bool adopt(int number, UniqueFd* socket, Message* problem) {
  int domain = 0;
  int type = 0;
  socklen_t length = sizeof(int);
  bool answered = getsockopt(number, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
                  getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &length) == 0;
  int error = errno;
  // A TCP socket would take the message and drop the descriptor without a word.
  if (answered && domain == AF_UNIX && type == SOCK_STREAM) {
    socket->reset(number);
    return true;
  }
  problem->add("--console-socket-fd ").number(static_cast<unsigned>(number));
  problem->add(": expected a connected Unix stream socket, got ");
  if (answered) {
    problem->add("a socket of another domain or type");
  } else {
    explain_descriptor(error, problem);
  }
  problem->add("; check which descriptors this process was started with");
  return false;
}

// An inherited socket may be non-blocking, and is shared: it stays as it is.
ssize_t send_waiting(int socket, const char* bytes, size_t length, const int* fds, size_t fd_count) {
  for (;;) {
    ssize_t sent = common::send_message(socket, bytes, length, fds, fd_count, 0);
    if (sent != -1 || errno != EAGAIN) return sent;
    pollfd writable{socket, POLLOUT, 0};
    if (common::retry_on_eintr([&] { return poll(&writable, 1, -1); }) == -1) return -1;
  }
}

void explain_send(int error, Message* problem) {
  problem->add("expected the receiver to take the terminal, got ");
  switch (error) {
    case EPIPE:
    case ECONNRESET:
      problem->add("a closed connection; see what the receiver says");
      return;
    case EPERM:
      problem->add("a socket that lets no descriptor through; set SO_PASSRIGHTS on the receiver's side");
      return;
    case ETOOMANYREFS:
      problem->add("too many descriptors under way for this user; let the receivers take theirs, then try again");
      return;
    default:
      problem->error(error).add("; see that the socket is connected to a receiver");
  }
}

}  // namespace

bool open_console_socket(const Options& options, UniqueFd* socket, Message* problem) {
  if (options.console_socket == nullptr) return adopt(options.console_socket_fd, socket, problem);
  const char* name = options.console_socket;
  UniqueFd created(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!created.valid()) {
    problem->add("expected a Unix socket, got ").error(errno).add("; see what denies socket(2) here");
    return false;
  }
  int connected = name[0] == '@' ? connect_abstract(created.get(), name + 1) : connect_path(created.get(), name);
  if (connected == -1) {
    explain_connect(name, errno, problem);
    return false;
  }
  socket->reset(created.release());
  return true;
}

bool send_console(const UniqueFd& socket, const char* name, const UniqueFd& ptmx, Message* problem) {
  size_t length = strlen(name);  // no NUL: receivers take the bytes as they are
  int fd = ptmx.get();
  ssize_t sent = send_waiting(socket.get(), name, length, &fd, 1);
  if (sent == static_cast<ssize_t>(length)) return true;
  // A name is one buffer of the kernel's: it takes all of it or nothing.
  explain_send(sent == -1 ? errno : EMSGSIZE, problem);
  return false;
}

}  // namespace init
