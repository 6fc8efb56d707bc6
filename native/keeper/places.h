// A fixed number of places for clients. A place is made when it is first needed, so that the memory of the others is
// not touched.
#pragma once

#include <stddef.h>

namespace keeper {

// C headers have no placement new.
struct InPlace {
  void* memory;
};

}  // namespace keeper

inline void* operator new(size_t, keeper::InPlace place) noexcept {
  return place.memory;
}

namespace keeper {

template <typename Client, size_t kMost>
class Places {
 public:
  Places() = default;
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;
  ~Places() {
    for (Client& client : *this) client.~Client();
  }

  Client* begin() { return reinterpret_cast<Client*>(storage_); }
  Client* end() { return begin() + made_; }
  const Client* begin() const { return reinterpret_cast<const Client*>(storage_); }
  const Client* end() const { return begin() + made_; }
  Client& operator[](size_t index) { return begin()[index]; }
  // How many places have been made.
  size_t size() const { return made_; }

  // A place whose client is not used, or nullptr when all are.
  Client* take() {
    for (Client& client : *this) {
      if (!client.used()) return &client;
    }
    if (made_ == kMost) return nullptr;
    return new (InPlace{begin() + made_++}) Client();
  }

 private:
  size_t made_ = 0;
  alignas(Client) unsigned char storage_[kMost * sizeof(Client)];
};

}  // namespace keeper
