// sendmsg and recvmsg: one call each, never blocking, whatever the socket's own flag says (it is shared with its other
// holders, MSG_DONTWAIT is not).
#include <errno.h>
#include <sys/socket.h>

#include "../common/control_message.h"
#include "arguments.h"
#include "environment.h"
#include "errors.h"
#include "families.h"

namespace addon {

namespace {

// What recvmsg writes beside the data, a number a slot; native.ts has the same table.
enum Slot { kFlags, kFdCount, kPidfd, kHasCredentials, kPid, kUid, kGid, kFirstFd };
constexpr size_t kSlots = kFirstFd + core::kMaxRights;

Napi::Value send(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto data = bytes_argument(info, 1);
  int fds[core::kMaxRights];
  size_t count = 0;
  if (info[2].IsArray()) {
    auto array = info[2].As<Napi::Array>();
    count = array.Length();
    if (count > core::kMaxRights) throw_errno(env, EINVAL, "sendmsg");
    for (size_t i = 0; i < count; ++i) {
      fds[i] = array.Get(static_cast<uint32_t>(i)).As<Napi::Number>().Int32Value();
    }
  }
  ssize_t sent = core::send_message(int_argument(info, 0), data.data(), data.size(), fds, count, MSG_DONTWAIT);
  if (sent == -1 && errno == EAGAIN) return Napi::Number::New(env, -1);
  return Napi::Number::New(env, static_cast<double>(checked(env, sent, "sendmsg")));
}

// Everything received is written to memory that the caller had ready, and noted as owned: nothing between the system
// call and that can throw.
Napi::Value receive(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto data = bytes_argument(info, 1);
  if (!info[2].IsTypedArray()) throw Napi::TypeError::New(env, "expected an Int32Array");
  auto slots = info[2].As<Napi::Int32Array>();
  // Into 0 bytes a stream's descriptors would come without their bytes (unix(7)).
  if (data.empty() || slots.ElementLength() < kSlots) throw_errno(env, EINVAL, "recvmsg");
  int32_t* slot = slots.Data();
  auto& owned = Environment::of(env).fds;

  core::ControlData control;
  ssize_t received = core::receive_message(int_argument(info, 0), data.data(), data.size(), &control, MSG_DONTWAIT);
  if (received == -1) {
    if (errno == EAGAIN) return Napi::Number::New(env, -1);
    throw_errno(env, errno, "recvmsg");
  }
  for (size_t i = 0; i < control.fd_count; ++i) slot[kFirstFd + i] = owned.own(control.fds[i]);
  slot[kFlags] = control.flags;
  slot[kFdCount] = static_cast<int32_t>(control.fd_count);
  slot[kPidfd] = control.pidfd >= 0 ? owned.own(control.pidfd) : control.pidfd;
  slot[kHasCredentials] = control.has_credentials ? 1 : 0;
  slot[kPid] = control.credentials.pid;
  slot[kUid] = static_cast<int32_t>(control.credentials.uid);
  slot[kGid] = static_cast<int32_t>(control.credentials.gid);
  return Napi::Number::New(env, static_cast<double>(received));
}

}  // namespace

void define_messages(Napi::Env env, Napi::Object exports) {
  define(env, exports, "sendmsg", send);
  define(env, exports, "recvmsg", receive);
}

}  // namespace addon
