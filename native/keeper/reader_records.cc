// What each record of a client does.
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "reader.h"

// Newer than the headers of the oldest supported C libraries.
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

namespace keeper {

int Reader::accept_record(Client& client, const Header& header) {
  if (header.kind == kHello) return 0;
  if (client.version == 0) return EPROTO;
  if (client.version != kVersion) return EPROTONOSUPPORT;
  return header.kind == kInput && header.length > client.input.room() ? ENOBUFS : 0;
}

int Reader::take_input(Client& client, const unsigned char* bytes, size_t length) {
  return client.input.add(bytes, length) ? 0 : ENOMEM;
}

int Reader::handle_record(Client& client, const Header& header, const unsigned char* payload) {
  switch (header.kind) {
    case kHello:
      client.version = header.value;
      client.due |= kDueHello;
      return 0;
    case kAttach:
      attach(client, header, payload);
      return 0;
    case kAck:
      if (header.value > ring_.head()) return EINVAL;
      if (client.attached) pace_.acknowledge(client, header.value, ring_);
      more_ = true;
      return 0;
    case kResize:
      resize(client, header.value);
      return 0;
    case kOnlcr:
      settings_.onlcr = header.value != 0 ? common::Onlcr::kOn : common::Onlcr::kOff;
      arrival_.want(settings_);
      if (master_.valid()) master_.set_onlcr(header.value != 0);
      return 0;
    case kSignal:
      send_signal(client, header.value);
      return 0;
    case kHangUp:
      hang_up();
      return 0;
    case kLeave:
      if (!client.creator) {
        client.fail(EPERM, "leave is the creator's", false);
        return 0;
      }
      left_ = true;
      pace_.end_pacing();
      more_ = true;
      return 0;
    case kSettle:
      settled_ = true;
      linger_until_ = kNever;
      return 0;
    case kInput:
      return 0;
    default:
      client.fail(EOPNOTSUPP, "a record that this keeper, or its reader, does not serve", false);
      return 0;
  }
}

void Reader::attach(Client& client, const Header& header, const unsigned char* payload) {
  Attach wanted;
  memcpy(&wanted, payload, sizeof(wanted));
  if (client.attached) return client.fail(EISCONN, "attached already", false);
  for (const Client& other : clients_) {
    if (!other.used() || !other.holds() || (wanted.flags & kHold) == 0) continue;
    return client.fail(EBUSY, "another client holds the output", false);
  }
  uint64_t offset = header.value;
  if (offset == kFromNow) offset = ring_.head();
  if (offset == kFromTail) offset = ring_.tail();
  if (offset > ring_.head()) return client.fail(ERANGE, "an offset of output that has not come", false);
  client.out.seek(offset);
  pace_.attach(client, wanted, ring_);
  if (console_came_) client.due |= kDueArrived | kDueSize;
  if (arrival_.refusals() > 0) client.due |= kDueRefused;
  if (hung_up_) client.due |= kDueHungUp;
  more_ = true;
}

void Reader::resize(Client& client, uint64_t size) {
  settings_.only_without_size = false;
  settings_.columns = static_cast<uint16_t>(size & 0xffff);
  settings_.rows = static_cast<uint16_t>(size >> 16 & 0xffff);
  arrival_.want(settings_);
  if (!master_.valid()) return;
  if (!master_.set_size(settings_.columns, settings_.rows)) return;
  size_ = settings_.columns | uint32_t{settings_.rows} << 16;
  size_by_ = client.number;
  tell_all(kDueSize);
}

void Reader::send_signal(Client& client, uint64_t number) {
  constexpr uint64_t kMaxSignal = 64;
  int signal = number <= kMaxSignal ? static_cast<int>(number) : -1;
  // The reaper may know it a moment earlier than this process.
  if (!container_pidfd_.valid() && !ended_ && link_.valid() && signal >= 0) {
    if (!link_.send(LinkRecord{LinkKind::kSignal, signal})) client.fail(errno, "the signal was not sent", false);
    return;
  }
  if (!container_pidfd_.valid()) return client.fail(signal < 0 ? EINVAL : ESRCH, "the signal was not sent", false);
  if (syscall(SYS_pidfd_send_signal, container_pidfd_.get(), signal, nullptr, 0) == -1) {
    client.fail(errno, "the signal was not sent", false);
  }
}

}  // namespace keeper
