// The reaper: the parent of the runtime's command and of what that leaves behind. It tells the exit status, sends
// signals, and never has the master, nor waits for a client.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "client_socket.h"
#include "clock.h"
#include "command.h"
#include "events.h"
#include "family.h"
#include "link.h"
#include "outbox.h"
#include "places.h"
#include "protocol.h"
#include "record_reader.h"
#include "runtime_output.h"
#include "start.h"

namespace keeper {

inline constexpr size_t kMaxReaperClients = 16;

// In the order in which they are told.
enum ReaperDue : uint32_t {
  kTellHello = 1,
  kTellError = 2,
  kTellStarted = 4,
  kTellNotStarted = 8,
  kTellChild = 16,
  kTellRuntimeEnded = 32,  // from here on after the command's output
  kTellEnded = 64,
  kTellExit = 128,
};

struct ReaperClientState {
  bool creator = false;
  uint64_t version = 0;
  RecordReader records;
  uint32_t due = 0;
  int error = 0;
  const char* error_text = "";
  bool closing = false;
  bool waits_for_room = false;
  bool exit_told = false;
  bool passes_pidfd = false;  // with the first byte of what is in its outbox
};

struct ReaperClient : ReaperClientState {
  common::UniqueFd socket;
  SmallOutbox<80> out;

  bool used() const { return socket.valid(); }
  void fail(int number, const char* text, bool close) {
    error = number;
    error_text = text;
    closing = closing || close;
    due |= kTellError;
  }
  void clear() {
    end_connection(&socket);
    out.clear();
    static_cast<ReaperClientState&>(*this) = ReaperClientState{};
  }
};

class Reaper {
 public:
  Reaper(Link link, pid_t reader, bool kept) : link_(static_cast<Link&&>(link)), reader_(reader), kept_(kept) {}

  // Takes the creator's socket and what of `start` is the reaper's, and starts the command when the reader is ready.
  // What cannot be is told to the creator. False when there is nobody to tell.
  bool open(common::UniqueFd creator, Start* start);
  // Returns when this process has no children any more, and has told so.
  void run();

  // What the records of a client do (reaper_records.cc).
  int accept_record(ReaperClient& client, const Header& header);
  int handle_record(ReaperClient& client, const Header& header);

 private:
  enum Source : uint32_t { kSignals, kLink, kListener, kExec, kOutputFirst };
  static constexpr uint32_t kClientFirst = 64;

  bool open_events(common::UniqueFd creator, Start* start);
  void not_started(int32_t step, int error);
  void handle_event(const epoll_event& event);
  void handle_signals();
  void handle_exec();
  void handle_link();
  void link_ended();
  void handle_output(uint32_t index);
  void follow_family();
  void handle_family(const FamilyEvent& event);
  void found(pid_t container);
  bool is_done(uint64_t now);
  uint64_t next_due() const;

  // reaper_records.cc
  int signal_target(int number);
  void stop(uint64_t grace_ms);
  void kill_all();

  // reaper_clients.cc
  void accept_client();
  bool add_client(common::UniqueFd socket, bool creator);
  void remove_client(ReaperClient& client);
  void hear(ReaperClient& client);
  void happen(uint32_t due);
  void tell_clients();
  bool tell(ReaperClient& client);
  Sent flush(ReaperClient& client);
  bool is_flushed(const ReaperClient& client) const;
  bool put_next(ReaperClient& client);
  bool put_output(ReaperClient& client);
  void put_hello(ReaperClient& client);
  void put(ReaperClient& client, uint32_t due);
  void wait_for_room(ReaperClient& client, bool wait);

  Link link_;
  pid_t reader_;
  uint32_t linger_ms_ = 0;
  Events events_;
  common::UniqueFd signals_;
  ClientListener listener_;
  Places<ReaperClient, kMaxReaperClients> clients_;

  Command command_;
  RuntimeOutput output_;
  // What the creator is being sent of it, after its outbox. A page of its own, which goes with the command.
  Pages bulk_;
  size_t bulk_from_ = 0;
  size_t bulk_to_ = 0;
  uint64_t leader_until_ = kNever;
  uint64_t status_ = kStatusUnknown;
  uint64_t linger_until_ = kNever;  // from the end on, when the creator has got everything
  uint64_t kill_at_ = kNever;
  Family family_;

  uint32_t happened_ = 0;
  int32_t failed_step_ = 0;
  int failed_errno_ = 0;
  pid_t container_ = 0;
  common::UniqueFd pidfd_;
  int runtime_status_ = 0;

  bool kept_;
  bool creator_gone_ = false;
  bool started_ = false;
  bool console_came_ = false;
  bool ended_ = false;
  bool over_ = false;
  bool killing_ = false;
};

}  // namespace keeper
