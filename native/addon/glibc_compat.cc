// For what is shipped: the names that the compiler's static C++ library, and this compiler's headers, take from a glibc
// newer than the oldest supported one (2.28), defined here and visible nowhere else. prebuild.mjs checks the result.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OLDEST_GLIBC "GLIBC_2.2.5"
#define OLDEST_CLOCK "GLIBC_2.3.3"
#elif defined(__aarch64__)
#define OLDEST_GLIBC "GLIBC_2.17"
#define OLDEST_CLOCK "GLIBC_2.17"
#else
#error "name the version that this architecture's glibc begins with"
#endif

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming): glibc's names
extern "C" {

// 2.32. 0: count references with atomic instructions, as before there was this hint.
char __libc_single_threaded = 0;

// 2.33; before it they were inline functions. Their structure is the kernel's on both architectures. (node-gyp builds
// with _FILE_OFFSET_BITS=64, so these are fstat and fstatat too.)
int fstatat64(int fd, const char* file, struct stat64* buf, int flag) {
  return static_cast<int>(syscall(SYS_newfstatat, fd, file, buf, flag));
}

int fstat64(int fd, struct stat64* buf) {
  return fstatat64(fd, "", buf, AT_EMPTY_PATH);
}

// 2.36, of std::random_device, which nothing here uses.
uint32_t arc4random() {
  uint32_t value = 0;
  while (syscall(SYS_getrandom, &value, sizeof(value), 0) != sizeof(value)) {
  }
  return value;
}

// 2.34 moved these into libc under a new version; the old one is still there.
int old_pthread_once(pthread_once_t*, void (*)());
int old_pthread_key_create(pthread_key_t*, void (*)(void*));
int old_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
int old_pthread_attr_setstacksize(pthread_attr_t*, size_t);
int old_pthread_condattr_setclock(pthread_condattr_t*, clockid_t);
__asm__(".symver old_pthread_once, pthread_once@" OLDEST_GLIBC);
__asm__(".symver old_pthread_key_create, pthread_key_create@" OLDEST_GLIBC);
__asm__(".symver old_pthread_create, pthread_create@" OLDEST_GLIBC);
__asm__(".symver old_pthread_attr_setstacksize, pthread_attr_setstacksize@" OLDEST_GLIBC);
__asm__(".symver old_pthread_condattr_setclock, pthread_condattr_setclock@" OLDEST_CLOCK);

int pthread_once(pthread_once_t* control, void (*routine)()) {
  return old_pthread_once(control, routine);
}

int __pthread_key_create(pthread_key_t* key, void (*destructor)(void*)) {
  return old_pthread_key_create(key, destructor);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*routine)(void*), void* argument) {
  return old_pthread_create(thread, attributes, routine, argument);
}

int pthread_attr_setstacksize(pthread_attr_t* attributes, size_t size) {
  return old_pthread_attr_setstacksize(attributes, size);
}

int pthread_condattr_setclock(pthread_condattr_t* attributes, clockid_t clock) {
  return old_pthread_condattr_setclock(attributes, clock);
}

// 2.35: where the unwinder finds the tables of the code at an address. Exceptions would end the process without it. A
// compiler for an older glibc does not ask for it.
#ifdef DLFO_STRUCT_HAS_EH_DBASE

namespace {

struct Search {
  uintptr_t address;
  dl_find_object* result;
};

int look(dl_phdr_info* info, size_t, void* argument) {
  auto* search = static_cast<Search*>(argument);
  uintptr_t start = UINTPTR_MAX;
  uintptr_t end = 0;
  uintptr_t eh_frame = 0;
  bool inside = false;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    uintptr_t from = info->dlpi_addr + header.p_vaddr;
    uintptr_t to = from + header.p_memsz;
    if (header.p_type == PT_GNU_EH_FRAME) eh_frame = from;
    if (header.p_type != PT_LOAD) continue;
    if (from < start) start = from;
    if (to > end) end = to;
    inside = inside || (search->address >= from && search->address < to);
  }
  if (!inside || eh_frame == 0) return 0;
  *search->result = {};
  // NOLINTBEGIN(performance-no-int-to-ptr): the kernel's addresses are numbers
  search->result->dlfo_map_start = reinterpret_cast<void*>(start);
  search->result->dlfo_map_end = reinterpret_cast<void*>(end);
  search->result->dlfo_eh_frame = reinterpret_cast<void*>(eh_frame);
  // NOLINTEND(performance-no-int-to-ptr)
  return 1;
}

}  // namespace

int _dl_find_object(void* address, dl_find_object* result) noexcept {
  Search search{reinterpret_cast<uintptr_t>(address), result};
  return dl_iterate_phdr(look, &search) == 1 ? 0 : -1;
}

#endif

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming)
