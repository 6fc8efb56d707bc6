#include "owned_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace addon {

namespace {

bool identify_path(const std::string& path, common::FileIdentity* identity) {
  int fd = open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd == -1) return false;
  bool identified = common::identify(fd, identity);
  close(fd);
  return identified;
}

}  // namespace

void OwnedFiles::own(std::string path, std::vector<std::string> names) {
  File file{std::move(path), std::move(names), {}};
  if (identify_path(file.path, &file.identity)) files_.push_back(std::move(file));
}

void OwnedFiles::disown(const std::string& path) {
  auto found = std::find_if(files_.begin(), files_.end(), [&](const File& file) { return file.path == path; });
  if (found != files_.end()) files_.erase(found);
}

void OwnedFiles::remove_all() {
  for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
    common::FileIdentity now;
    if (!identify_path(file->path, &now) || !common::same_file(now, file->identity)) continue;
    if (!S_ISDIR(now.mode)) {
      unlink(file->path.c_str());
      continue;
    }
    for (const std::string& name : file->names) unlink((file->path + "/" + name).c_str());
    rmdir(file->path.c_str());
  }
  files_.clear();
}

}  // namespace addon
