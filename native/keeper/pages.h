// Memory of this process alone, by the page: a page costs nothing until it is written to, and goes back to the kernel
// when its owner is done. malloc(3) would keep it.
#pragma once

#include <stddef.h>
#include <sys/mman.h>

namespace keeper {

class Pages {
 public:
  Pages() = default;
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() { free(); }

  unsigned char* get() const { return memory_; }
  size_t size() const { return size_; }

  // Replaces what it has. False with errno set.
  bool allocate(size_t size) {
    free();
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return false;
    memory_ = static_cast<unsigned char*>(memory);
    size_ = size;
    return true;
  }

  void free() {
    if (memory_ != nullptr) munmap(memory_, size_);
    memory_ = nullptr;
    size_ = 0;
  }

 private:
  unsigned char* memory_ = nullptr;
  size_t size_ = 0;
};

}  // namespace keeper
