#include "pace.h"

namespace keeper {

namespace {

// When the client's time is over. An acknowledgement that makes a little room does not stop the clock; the client is
// told only while it does hold the reading back.
uint64_t stall_end(const Client& client, const Ring& ring) {
  if (!client.used() || client.held_since == kNever || client.stall_ms == kNoStallLimit) return kNever;
  if (ring.head() - client.acked < client.window) return kNever;
  return client.held_since + client.stall_ms;
}

}  // namespace

void Pace::attach(Client& client, const Attach& wanted, const Ring& ring) {
  client.attached = true;
  client.flags = wanted.flags;
  client.stall_ms = wanted.stall_ms;
  // A window above the ring would let the ring overwrite what a pacing client has not got.
  bool whole = wanted.window == 0 || wanted.window > ring.capacity();
  client.window = whole ? ring.capacity() : wanted.window;
  client.acked = client.out.at();
  if (client.holds() && client.acked > acked_) acked_ = client.acked;
}

void Pace::acknowledge(Client& client, uint64_t offset, const Ring& ring) {
  if (offset <= client.acked) return;
  client.acked = offset;
  if (client.holds() && offset > acked_) acked_ = offset;
  // Half a window at a time: acknowledgements of a byte each would hold the reading back for ever.
  if (client.held_since != kNever && offset - client.held_ack >= client.window / 2) client.held_since = kNever;
  if (client.lagging && ring.head() - offset <= client.window / 2) client.lagging = false;
}

size_t Pace::room(Clients& clients, const Ring& ring, uint64_t now) {
  uint64_t room = ring.capacity();
  if (when_full_wait_) {
    uint64_t waiting = ring.head() - acked_;
    room = waiting < room ? room - waiting : 0;
  }
  if (ended_) return room;
  for (Client& client : clients) {
    if (!client.used() || !client.paces()) continue;
    uint64_t lag = ring.head() - client.acked;
    if (lag >= client.window) {
      if (client.held_since == kNever) {
        client.held_since = now;
        client.held_ack = client.acked;
      }
      room = 0;
    } else {
      if (lag <= client.window / 2) client.held_since = kNever;
      if (client.window - lag < room) room = client.window - lag;
    }
  }
  return room;
}

bool Pace::expire(Clients& clients, const Ring& ring, uint64_t now) {
  bool expired = false;
  for (Client& client : clients) {
    if (stall_end(client, ring) > now) continue;
    client.held_since = kNever;
    client.lagging = true;
    client.due |= kDueLagging;
    expired = true;
  }
  return expired;
}

uint64_t Pace::due(const Clients& clients, const Ring& ring) const {
  uint64_t earliest = kNever;
  for (const Client& client : clients) {
    uint64_t end = stall_end(client, ring);
    if (end < earliest) earliest = end;
  }
  return earliest;
}

}  // namespace keeper
