// The reader: the only process that has the master. It reads the console into the ring, and serves its clients from it.
//
// What another holder of the master does can stop it in any call on the master, for as long as that holder likes. So
// nothing depends on it but the console's output: the exit status is the reaper's.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "alarm.h"
#include "arrival.h"
#include "client.h"
#include "client_socket.h"
#include "events.h"
#include "family.h"
#include "link.h"
#include "master.h"
#include "pace.h"
#include "ring.h"
#include "start.h"

namespace keeper {

class Reader {
 public:
  Reader(Link link, pid_t reaper, const Start& start);

  // Takes the creator's socket and what of `start` is the reader's. Returns 0 or an errno.
  int open(common::UniqueFd creator, Start* start);
  // Tells the reaper that the command may be started, or that it must not be. False when it cannot be told, or must
  // not.
  bool ready(int error);
  // Returns when the reader has nothing more to do.
  void run();
  // Ends what others wait for. What is left may keep the end of this process waiting: a refused descriptor, a terminal.
  void leave();

  // What the records of a client do (reader_records.cc).
  int accept_record(Client& client, const Header& header);
  int take_input(Client& client, const unsigned char* bytes, size_t length);
  int handle_record(Client& client, const Header& header, const unsigned char* payload);

 private:
  // The numbers of events.
  enum Source : uint32_t { kSignals, kLink, kMaster, kListener, kArrivalFirst };
  static constexpr uint32_t kClientFirst = 64;

  void handle_event(const epoll_event& event);
  uint64_t next_due() const;

  // reader_clients.cc
  void accept_client();
  bool add_client(common::UniqueFd socket, bool creator);
  void remove_client(Client& client);
  void hear(Client& client);
  void tell_all(uint32_t due);
  void tell_clients();
  // False when the client is gone.
  bool tell(Client& client);
  bool put_next(Client& client);
  bool put_output(Client& client);
  void put_hello(Client& client);
  void put_refused(Client& client);
  void put_error(Client& client);
  void wait_for_room(Client& client, bool wait);

  // reader_records.cc
  void attach(Client& client, const Header& header, const unsigned char* payload);
  void resize(Client& client, uint64_t size);
  void send_signal(Client& client, uint64_t number);

  // reader_console.cc
  void arrived(Receipt receipt);
  void read_console();
  bool save_begun_records(size_t count);
  void write_input();
  bool write_input_of(Client& client);
  void took(Client& client, size_t count);
  void drop_input();
  void hang_up();
  void tell_leader();

  // reader_end.cc
  void handle_link();
  void handle_link_record(const LinkRecord& record, common::UniqueFd passed);
  void handle_signals();
  void take_over();
  void follow_family();
  void container_ended(uint64_t status);
  void check_drained(uint64_t now);
  bool is_done(uint64_t now);

  Events events_;
  Link link_;
  common::UniqueFd signals_;
  ClientListener listener_;
  Alarm alarm_;
  Master master_;
  Arrival arrival_;
  Ring ring_;
  Pace pace_;
  Clients clients_;
  uint32_t next_number_ = 0;
  size_t turn_ = 0;  // whose input is first

  StartHeader options_;
  common::ConsoleSettings settings_;
  bool kept_;
  bool creator_gone_ = false;
  bool left_ = false;
  bool settled_ = false;

  bool console_came_ = false;
  bool hang_up_wanted_ = false;
  bool hung_up_ = false;
  bool more_ = false;  // something may be readable, of which no event will tell
  bool held_ = false;  // the last attempt to read was held back
  uint32_t size_ = 0;
  uint32_t size_by_ = 0;
  uint64_t tampered_told_ = 0;

  pid_t reaper_;
  pid_t runtime_ = 0;
  pid_t leader_ = 0;  // of the terminal's session, as it was when it was last asked and there was one
  pid_t closer_ = 0;
  uint64_t closer_until_ = kNever;  // it is waited for no longer than this
  Family family_;
  bool family_begun_ = false;
  pid_t container_ = 0;
  common::UniqueFd container_pidfd_;
  bool over_ = false;
  bool ended_ = false;
  uint64_t status_ = kStatusUnknown;
  uint64_t drain_until_ = kNever;
  uint64_t ended_at_ = 0;
  uint64_t ended_head_ = 0;
  bool exited_ = false;
  uint64_t linger_until_ = kNever;  // from the end on, when the creator has got everything
};

}  // namespace keeper
