#include "start.h"

#include <errno.h>
#include <string.h>

#include "ring.h"

namespace keeper {

namespace {

// The strings of a body, one after the other.
class Strings {
 public:
  Strings(char* from, char* end) : next_(from), end_(end) {}

  // nullptr at the end, and where no NUL follows.
  char* take() {
    size_t room = static_cast<size_t>(end_ - next_);
    void* nul = room > 0 ? memchr(next_, '\0', room) : nullptr;
    if (nul == nullptr) return nullptr;
    char* taken = next_;
    next_ = static_cast<char*>(nul) + 1;
    return taken;
  }

  bool take_all(char** strings, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
      strings[i] = take();
      if (strings[i] == nullptr) return false;
    }
    strings[count] = nullptr;
    return true;
  }

  bool at_end() const { return next_ == end_; }

 private:
  char* next_;
  char* end_;
};

int refuse(const char* text, const char** problem) {
  *problem = text;
  return EINVAL;
}

int check(StartHeader* options, const char** problem) {
  if ((options->flags & ~kStartFlags) != 0) return refuse("start has a flag that is not known", problem);
  if (options->ring_bytes == 0) options->ring_bytes = kDefaultRing;
  if (options->ring_bytes < kMinRing || options->ring_bytes > kMaxRing) {
    return refuse("expected a ring of 4 KiB to 64 MiB", problem);
  }
  if ((options->columns == 0) != (options->rows == 0)) return refuse("expected columns and rows, or neither", problem);
  if (options->argument_count == 0) return refuse("start has no command", problem);
  return 0;
}

}  // namespace

int parse_start(Start* start, size_t length, const char** problem) {
  StartHeader* options = &start->options;
  if (length < sizeof(*options)) return refuse("start is shorter than its header", problem);
  memcpy(options, start->body.get(), sizeof(*options));
  if (options->size < sizeof(*options) || options->size > length)
    return refuse("start's header has no such size", problem);
  int error = check(options, problem);
  if (error != 0) return error;

  // Each string takes a byte at least, so larger counts are wrong, and their sum stays small.
  if (options->argument_count > length || options->variable_count > length) return refuse("start is cut", problem);
  size_t pointers = size_t{options->argument_count} + options->variable_count + 2;
  if (!start->arrays.allocate(pointers * sizeof(char*))) return errno;
  start->arguments = reinterpret_cast<char**>(start->arrays.get());
  start->variables = start->arguments + options->argument_count + 1;

  char* text = reinterpret_cast<char*>(start->body.get());
  Strings strings(text + options->size, text + length);
  start->directory = strings.take();
  start->console_path = strings.take();
  start->pid_file = strings.take();
  if (start->pid_file == nullptr || !strings.take_all(start->arguments, options->argument_count) ||
      !strings.take_all(start->variables, options->variable_count) || !strings.at_end()) {
    return refuse("start has other strings than it says", problem);
  }
  start->settings.columns = options->columns;
  start->settings.rows = options->rows;
  start->settings.only_without_size = start->has(kOnlyWithoutSize);
  if (start->has(kSetOnlcr)) start->settings.onlcr = start->has(kOnlcrOn) ? common::Onlcr::kOn : common::Onlcr::kOff;
  return 0;
}

int take_descriptors(Start* start, const int* fds, size_t count) {
  common::UniqueFd* places[] = {&start->input, &start->console_listener, &start->reader_listener,
                                &start->reaper_listener};
  size_t next = 0;
  for (uint32_t i = 0; i < 4; i++) {
    if ((start->options.flags & (1U << i)) == 0) continue;
    if (next == count) return EBADF;
    places[i]->reset(fds[next++]);
  }
  return next == count ? 0 : EBADF;
}

}  // namespace keeper
