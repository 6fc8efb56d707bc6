// How the kernel schedules this thread: sched_setattr(2).
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arguments.h"
#include "errors.h"
#include "families.h"

namespace addon {

namespace {

// struct sched_attr of linux/sched/types.h, its first version. The C libraries have it only since glibc 2.41.
struct Attributes {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
};
static_assert(sizeof(Attributes) == 48, "SCHED_ATTR_SIZE_VER0");

// Returns the slice before. Before Linux 6.12 the kernel ignores it.
Napi::Value swap_time_slice(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Attributes attributes{};
  checked(env, syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0), "sched_getattr");
  auto before = static_cast<double>(attributes.runtime);
  // Of another policy the field means something else, or nothing.
  if (attributes.policy != SCHED_OTHER) throw_errno(env, EINVAL, "sched_setattr");
  attributes.runtime = static_cast<uint64_t>(int_argument(info, 0));
  checked(env, syscall(SYS_sched_setattr, 0, &attributes, 0), "sched_setattr");
  return Napi::Number::New(env, before);
}

}  // namespace

void define_scheduling(Napi::Env env, Napi::Object exports) {
  define(env, exports, "swapTimeSlice", swap_time_slice);
}

}  // namespace addon
