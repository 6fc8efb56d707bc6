// Receives consoles on connections, and accepts the connections of a listening socket, without JavaScript in between.
//
// The program of a console may ask for its window size as soon as it runs, and JavaScript that runs for the first time
// takes milliseconds. So the event of a connection is answered here: accept, the peer's credentials, the message, the
// judgement, size and ONLCR (common/receive_console.h). JavaScript hears of it afterwards. Of a connection without a
// message it hears 20 ms later, because most peers send at once.
#pragma once

#include <napi.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "../common/receive_console.h"
#include "../common/unique_fd.h"
#include "reactor.h"

namespace addon {

class ConsoleReceiver : public Napi::ObjectWrap<ConsoleReceiver>, public Source {
 public:
  static Napi::Function define(Napi::Env env);
  explicit ConsoleReceiver(const Napi::CallbackInfo& info);
  ~ConsoleReceiver() override;

  // The listening socket.
  void on_events(uint32_t events) override;

 private:
  // A connection that waits for its message. Borrows the descriptor.
  struct Connection : Source {
    Connection(ConsoleReceiver* receiver, int fd) : receiver(receiver), fd(fd) {}
    void on_events(uint32_t) override { receiver->receive_from(fd); }

    ConsoleReceiver* receiver;
    int fd;
    // Of one that was accepted here and that JavaScript has not heard of.
    std::optional<ucred> untold_peer;
  };

  struct Timer : Source {
    explicit Timer(ConsoleReceiver* receiver) : receiver(receiver) {}
    void on_events(uint32_t) override { receiver->tell_waiting(); }

    ConsoleReceiver* receiver;
    common::UniqueFd fd;
  };

  void listen(const Napi::CallbackInfo& info);
  void accept(const Napi::CallbackInfo& info);
  Napi::Value receive(const Napi::CallbackInfo& info);
  void forget(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  void stop_accepting(int error);
  void answer(int connection);
  void receive_from(int connection);
  int take_message(int connection, common::ReceivedConsole* console);
  bool may_deliver(const ucred& peer) const;
  bool wait_for(int connection, std::optional<ucred> untold_peer);
  std::optional<ucred> stop_waiting(int connection);
  bool start_timer();
  void tell_waiting();
  void update();
  Napi::Object describe_connection(int connection);
  Napi::Object describe_connection(int connection, const ucred& peer, bool allowed);
  Napi::Object describe_failure(int connection, int error, const char* syscall);
  void tell_error(int error, const char* syscall);
  void tell(Napi::Object event);

  std::shared_ptr<Reactor> reactor_;
  Napi::AsyncContext context_;
  common::ConsoleSettings settings_;
  // Besides root and this process's own; all users where there is none.
  std::optional<std::vector<uid_t>> uids_;
  size_t max_waiting_;
  int listener_ = -1;
  // Why the listener could not be added to the epoll, until JavaScript has heard of it.
  int failure_ = 0;
  bool accepting_ = false;
  bool listens_ = false;
  bool active_ = false;
  std::unordered_map<int, std::unique_ptr<Connection>> waiting_;
  Timer timer_{this};
};

}  // namespace addon
