// sendmsg and recvmsg, which never block: MSG_DONTWAIT is this call's own, while O_NONBLOCK is shared with other
// holders of the socket.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "../common/control_message.h"
#include "closer.h"
#include "environment.h"
#include "errors.h"
#include "families.h"
#include "fast_call.h"

namespace addon {

namespace {

// Arguments and results, one number each, because an argument or a result of N-API costs as much as ten of them.
// ControlSlot of binding/messages.ts mirrors this enum, and a test compares them. The bytes of the name begin at kName.
enum ControlSlot {
  kSocket,
  kLength,
  kOptions,
  kResult,
  kFlags,
  kFdCount,
  kPidfd,
  kHasCredentials,
  kPid,
  kUid,
  kGid,
  kNameLength,
  kFirstFd
};
constexpr size_t kName = kFirstFd + common::kMaxRights;
constexpr size_t kSlots = kName + sizeof(sockaddr_un::sun_path) / sizeof(int32_t);
constexpr size_t kPathOffset = offsetof(sockaddr_un, sun_path);

// Bits of kOptions. binding/messages.ts mirrors both enums, and a test compares them.
enum ReceiveOption { kWantName = 1 };
enum SendOption { kCredentials = 1 };

// Both are used for every message, so their addresses are looked up once.
void share(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!info[0].IsTypedArray() || !info[1].IsTypedArray()) throw Napi::TypeError::New(env, "expected typed arrays");
  auto slots = info[0].As<Napi::Int32Array>();
  auto scratch = info[1].As<Napi::Uint8Array>();
  if (slots.ElementLength() < kSlots) throw_errno(env, EINVAL, "recvmsg");
  auto& shared = Environment::of(env).shared;
  shared.slots = slots.Data();
  shared.scratch = {scratch.Data(), scratch.ByteLength()};
  shared.keep_slots = Napi::Persistent(info[0].As<Napi::Object>());
  shared.keep_scratch = Napi::Persistent(info[1].As<Napi::Object>());
}

napi_value send(napi_env raw, napi_callback_info info) {
  int32_t* slot = Environment::of(raw).shared.slots;
  common::Outgoing message;
  auto data = FastCall<1>(raw, info).bytes(0);
  message.data = data.data();
  message.length = data.size();
  message.fd_count = static_cast<size_t>(slot[kFdCount]);
  message.fds = slot + kFirstFd;
  ucred credentials;
  if ((slot[kOptions] & kCredentials) != 0) {
    credentials = {slot[kPid], static_cast<uid_t>(slot[kUid]), static_cast<gid_t>(slot[kGid])};
    message.credentials = &credentials;
  }
  sockaddr_un name;
  size_t name_length = std::min(static_cast<size_t>(slot[kNameLength]), sizeof(name.sun_path));
  if (name_length > 0) {
    name.sun_family = AF_UNIX;
    memcpy(name.sun_path, slot + kName, name_length);
    message.name = &name;
    message.name_length = static_cast<socklen_t>(kPathOffset + name_length);
  }
  ssize_t sent = common::send_message(slot[kSocket], message, MSG_DONTWAIT);
  if (sent == -1 && errno != EAGAIN) throw_errno(raw, errno, "sendmsg");
  slot[kResult] = static_cast<int32_t>(sent);
  return nullptr;
}

void close_all(const common::ControlData& control) {
  hand_over({control.fds, control.fd_count}, ClosingKind::kOthers);
  if (control.pidfd >= 0) hand_over({&control.pidfd, 1}, ClosingKind::kOthers);
}

// No step between the system call and the ownership of its descriptors can throw: the memory was allocated before.
napi_value receive(napi_env raw, napi_callback_info info) {
  Environment& environment = Environment::of(raw);
  int32_t* slot = environment.shared.slots;
  int socket = slot[kSocket];
  int options = slot[kOptions];
  size_t length = static_cast<size_t>(slot[kLength]);
  auto data =
      length <= environment.shared.scratch.size() ? environment.shared.scratch : FastCall<1>(raw, info).bytes(0);
  // With 0 bytes a stream would deliver descriptors without their bytes (unix(7)).
  if (length == 0 || length > data.size()) throw_errno(raw, EINVAL, "recvmsg");
  data = data.first(length);

  common::ControlData control;
  control.wants_name = (options & kWantName) != 0;
  ssize_t received = environment.descriptor_limit.has_room()
                         ? common::receive_message(socket, data.data(), length, &control, MSG_DONTWAIT)
                         : common::receive_message_keeping(socket, data.data(), length, &control, closed_lately());
  if (received == -1) {
    int error = errno;
    close_all(control);
    if (error != EAGAIN) throw_errno(raw, error, "recvmsg");
  }
  slot[kResult] = static_cast<int32_t>(received);
  if (received == -1) return nullptr;
  for (size_t i = 0; i < control.fd_count; ++i)
    slot[kFirstFd + i] = environment.fds.own(control.fds[i], Owned::kOthers);
  slot[kFlags] = control.flags;
  slot[kFdCount] = static_cast<int32_t>(control.fd_count);
  slot[kPidfd] = control.pidfd >= 0 ? environment.fds.own(control.pidfd, Owned::kOthers) : control.pidfd;
  slot[kHasCredentials] = control.has_credentials ? 1 : 0;
  slot[kPid] = control.credentials.pid;
  slot[kUid] = static_cast<int32_t>(control.credentials.uid);
  slot[kGid] = static_cast<int32_t>(control.credentials.gid);
  size_t name_length = control.name_length > kPathOffset ? control.name_length - kPathOffset : 0;
  slot[kNameLength] = static_cast<int32_t>(std::min(name_length, sizeof(control.name.sun_path)));
  if (name_length > 0) memcpy(slot + kName, control.name.sun_path, static_cast<size_t>(slot[kNameLength]));
  return nullptr;
}

// Closes the descriptors whose numbers are in the slots from kFirstFd on. Those that came with one message are handed
// over in one call.
napi_value close_received(napi_env raw, napi_callback_info) {
  Environment& environment = Environment::of(raw);
  size_t count = std::min(static_cast<size_t>(environment.shared.slots[kFdCount]), common::kMaxRights);
  std::array<int, common::kMaxRights> received;
  size_t received_count = 0;
  for (int fd : std::span<const int>(environment.shared.slots + kFirstFd, count)) {
    ClosingKind kind = closing_kind(environment.fds.disown(fd));
    if (kind == ClosingKind::kOthers) {
      received[received_count++] = fd;
    } else if (kind == ClosingKind::kListeners) {
      hand_over_and_wait(fd, kind);
    } else {
      hand_over({&fd, 1}, kind);
    }
  }
  hand_over({received.data(), received_count}, ClosingKind::kOthers);
  return nullptr;
}

}  // namespace

void define_messages(Napi::Env env, Napi::Object exports) {
  define(env, exports, "share", share);
  define_fast<send>(env, exports, "sendmsg");
  define_fast<receive>(env, exports, "recvmsg");
  define_fast<close_received>(env, exports, "closeReceived");
}

}  // namespace addon
