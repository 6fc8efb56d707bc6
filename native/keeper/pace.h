// How far the reading of the master may go on: who may hold it back, and for how long.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "client.h"
#include "places.h"
#include "ring.h"

namespace keeper {

inline constexpr size_t kMaxClients = 16;
using Clients = Places<Client, kMaxClients>;

class Pace {
 public:
  // With `when_full_wait`, the reading stops when the ring has only what no holder has acknowledged.
  explicit Pace(bool when_full_wait) : when_full_wait_(when_full_wait) {}

  // What a holder has acknowledged, be it here or away.
  uint64_t acked() const { return acked_; }

  void attach(Client& client, const Attach& wanted, const Ring& ring);
  void acknowledge(Client& client, uint64_t offset, const Ring& ring);
  // The creator has left: from now on nobody paces.
  void end_pacing() { ended_ = true; }

  // Bytes that may be read now, at most the ring. Begins and ends the stall clocks of the clients.
  size_t room(Clients& clients, const Ring& ring, uint64_t now);

  // Takes the right to pace from the clients whose time is over, and tells them. True when there was one: there may be
  // room now.
  bool expire(Clients& clients, const Ring& ring, uint64_t now);
  // When `expire` has something to do.
  uint64_t due(const Clients& clients, const Ring& ring) const;

 private:
  bool when_full_wait_;
  bool ended_ = false;
  uint64_t acked_ = 0;
};

}  // namespace keeper
