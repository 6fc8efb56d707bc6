#include "arrival.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "places.h"
#include "retry.h"
#include "urgency.h"

namespace keeper {

namespace {

constexpr int kPollMs = 20;
constexpr uint64_t kRetryMs = 50;

// The mode is set before bind(2) makes the file, so there is no moment in which others may connect.
int listen_at(const char* path, common::UniqueFd* listener) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (strlen(path) >= sizeof(address.sun_path)) return ENAMETOOLONG;
  memcpy(address.sun_path, path, strlen(path) + 1);
  listener->reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener->valid() || fchmod(listener->get(), 0600) == -1) return errno;
  if (bind(listener->get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == -1) return errno;
  return listen(listener->get(), SOMAXCONN) == -1 ? errno : 0;
}

// Nothing waits in a connection whose peer has closed it, so its close does not wait either.
bool has_ended(int connection) {
  char none;
  return recv(connection, &none, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

}  // namespace

int Arrival::open(common::UniqueFd listener, const char* path, bool remove_directory,
                  const common::ConsoleSettings& settings) {
  for (int& connection : connections_) connection = -1;
  settings_ = settings;
  remove_directory_ = remove_directory;
  if (strlen(path) >= sizeof(path_)) return ENAMETOOLONG;
  memcpy(path_, path, strlen(path) + 1);
  listener_ = static_cast<common::UniqueFd&&>(listener);
  if (!listener_.valid() && path_[0] == '\0') return 0;
  if (!received_.allocate(sizeof(common::ReceivedConsole))) return errno;
  new (InPlace{received_.get()}) common::ReceivedConsole();
  int error = listener_.valid() ? 0 : listen_at(path_, &listener_);
  if (error == 0 && fcntl(listener_.get(), F_SETFL, O_NONBLOCK) == -1) error = errno;
  if (error == 0) run_urgently();
  return error;
}

bool Arrival::watch(Events& events, uint32_t first) {
  first_ = first;
  return !listener_.valid() || events.add(listener_.get(), EPOLLIN, first);
}

Receipt Arrival::handle(Events& events, uint32_t index) {
  if (!listener_.valid()) return Receipt::kNothing;
  return index == 0 ? accept_one(events) : receive(events, static_cast<int>(index) - 1);
}

Receipt Arrival::handle_all(Events& events) {
  Receipt last = Receipt::kNothing;
  for (int slot = 0; slot < kConnections && listener_.valid(); slot++) {
    Receipt receipt = receive(events, slot);
    if (receipt == Receipt::kConsole) return receipt;
    if (receipt != Receipt::kNothing) last = receipt;
  }
  for (int i = 0; i < kConnections && listener_.valid(); i++) {
    pollfd more{listener_.get(), POLLIN, 0};
    if (poll(&more, 1, 0) != 1) break;
    Receipt receipt = accept_one(events);
    if (receipt == Receipt::kConsole) return receipt;
    if (receipt != Receipt::kNothing) last = receipt;
  }
  return last;
}

void Arrival::retry(Events& events, uint64_t now) {
  if (now < retry_at_) return;
  retry_at_ = kNever;
  if (listener_.valid()) events.change(listener_.get(), EPOLLIN, first_);
}

Receipt Arrival::accept_one(Events& events) {
  int slot = 0;
  while (slot < kConnections && connections_[slot] != -1) slot++;
  if (slot == kConnections) {
    // All of them are silent. The others wait in the backlog until one of them speaks or goes.
    events.change(listener_.get(), 0, first_);
    return Receipt::kNothing;
  }
  int connection = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (connection == -1) {
    if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR) return Receipt::kNothing;
    // EMFILE, ENOMEM: the event would come again and again.
    events.change(listener_.get(), 0, first_);
    retry_at_ = now_ms() + kRetryMs;
    return Receipt::kNothing;
  }
  connections_[slot] = connection;
  socklen_t length = sizeof(peer_);
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer_, &length) == -1) peer_.uid = UINT32_MAX;
  if (peer_.uid != 0 && peer_.uid != geteuid()) {
    connections_[slot] = -1;
    verdict_ = common::ConsoleVerdict{};
    return refuse(kOtherUser);
  }
  pollfd message{connection, POLLIN, 0};
  if (common::retry_on_eintr([&] { return poll(&message, 1, kPollMs); }) == 1) {
    Receipt receipt = receive(events, slot);
    if (receipt != Receipt::kNothing) return receipt;
  }
  events.add(connection, EPOLLIN, first_ + 1 + static_cast<uint32_t>(slot));
  return Receipt::kNothing;
}

// A refused message's descriptors stay open, and nothing has their numbers: their close could wait.
Receipt Arrival::receive(Events& events, int slot) {
  int connection = connections_[slot];
  if (connection == -1) return Receipt::kNothing;
  auto& received = *reinterpret_cast<common::ReceivedConsole*>(received_.get());
  received.control = common::ControlData{};
  bool taken = common::receive_console(connection, settings_, common::WhenFull::kKeep, &received);
  if (!taken && errno == EAGAIN) return Receipt::kNothing;
  verdict_ = taken ? received.verdict : common::ConsoleVerdict{};
  if (!taken) verdict_.error = errno;
  if (taken && verdict_.refusal == common::ConsoleRefusal::kNone) {
    run_normally();
    master_.reset(received.control.fds[0]);
    socklen_t length = sizeof(peer_);
    getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer_, &length);
    make_record(received);
    drop(events, slot);
    return Receipt::kConsole;
  }
  drop(events, slot);
  return refuse(taken ? static_cast<uint32_t>(verdict_.refusal) : kReceiveFailed);
}

void Arrival::make_record(const common::ReceivedConsole& received) {
  size_t name_length = received.name_length < kMaxName ? received.name_length : kMaxName;
  Arrived arrived{peer_.pid, peer_.uid, peer_.gid};
  Header header{static_cast<uint32_t>(sizeof(arrived) + name_length), kArrived, 0, 0};
  memcpy(record_, &header, sizeof(header));
  memcpy(record_ + sizeof(header), &arrived, sizeof(arrived));
  memcpy(record_ + sizeof(header) + sizeof(arrived), received.name, name_length);
  record_length_ = sizeof(header) + header.length;
}

Receipt Arrival::refuse(uint32_t reason) {
  refusal_ = ++refusals_ < kMaxRefusals ? reason : kTooManyRefusals;
  return Receipt::kRefused;
}

void Arrival::drop(Events& events, int slot) {
  int connection = connections_[slot];
  connections_[slot] = -1;
  events.remove(connection);
  if (has_ended(connection)) close(connection);
  if (listener_.valid()) events.change(listener_.get(), EPOLLIN, first_);
}

void Arrival::end(Events& events) {
  if (!listener_.valid()) return;
  run_normally();
  retry_at_ = kNever;
  received_.free();
  events.remove(listener_.get());
  for (int slot = 0; slot < kConnections; slot++) {
    if (connections_[slot] != -1) drop(events, slot);
  }
  // Who connects from now on is refused by the kernel. Who waits in the backlog stays there until this process ends.
  shutdown(listener_.get(), SHUT_RDWR);
  kept_listener_ = static_cast<common::UniqueFd&&>(listener_);
  if (path_[0] == '\0') return;
  unlink(path_);
  char* slash = strrchr(path_, '/');
  if (!remove_directory_ || slash == nullptr || slash == path_) return;
  *slash = '\0';
  rmdir(path_);
}

}  // namespace keeper
