// The names and texts of error numbers. They are those of Node.js itself, but for a few that it lacks.
#pragma once

namespace addon {

// Both are null for a number that is not known.
struct ErrnoName {
  const char* name;
  const char* text;
};

ErrnoName errno_name(int error);

}  // namespace addon
