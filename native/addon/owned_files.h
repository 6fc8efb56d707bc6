// The socket files and private directories that one environment made. JavaScript removes them; a Worker that is
// terminated runs no handler, so a file is entered in the call that makes it, and teardown removes those that are left.
#pragma once

#include <string>
#include <vector>

#include "../common/file_identity.h"

namespace addon {

class OwnedFiles {
 public:
  OwnedFiles() = default;
  OwnedFiles(const OwnedFiles&) = delete;
  OwnedFiles& operator=(const OwnedFiles&) = delete;
  ~OwnedFiles() { remove_all(); }

  // Takes what is at `path`, which is absolute, with the names in it when it is a directory. Does nothing when it
  // cannot be identified: then only JavaScript removes it.
  void own(std::string path, std::vector<std::string> names = {});
  void disown(const std::string& path);
  void remove_all();

 private:
  struct File {
    std::string path;
    std::vector<std::string> names;
    common::FileIdentity identity;
  };

  // In the order in which they were made: a directory comes before the socket in it.
  std::vector<File> files_;
};

}  // namespace addon
