#include "identity.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

#include "progress.h"

namespace init {

namespace {

constexpr int kMaxGroups = 65536;  // NGROUPS_MAX of the kernel, include/uapi/linux/limits.h

// Whether `group`, as getgroups(2) lists it, is one that this user namespace does not map: the overflow gid stands for
// those. The kernel translates an id before it asks for the right to it, so EINVAL means "not mapped" to every process.
// Where the call succeeds it has changed the saved group id only, which become_user sets in any case.
bool is_unmapped(gid_t group) {
  constexpr gid_t kUnchanged = static_cast<gid_t>(-1);
  return setresgid(kUnchanged, kUnchanged, group) == -1 && errno == EINVAL;
}

// setgroups(2) was denied. Two kinds of groups may stay. The command's own group gives it nothing more. And a group
// that this user namespace does not map may stay with the user who has it: in a namespace that an ordinary user made
// the kernel denies setgroups(2) to everyone, since a group can also take permissions away. Another user must not get
// it.
bool may_keep_groups(const Options& options) {
  static gid_t groups[kMaxGroups];
  bool same_user = getuid() == options.user && geteuid() == options.user;
  int count = getgroups(kMaxGroups, groups);
  if (count == -1) return false;
  for (int i = 0; i < count; i++) {
    if (groups[i] != options.user_group && !(same_user && is_unmapped(groups[i]))) return false;
  }
  return true;
}

bool give_up_groups(const Options& options) {
  if (setgroups(0, nullptr) == 0) return true;
  int error = errno;
  if (error == EPERM && may_keep_groups(options)) return true;
  errno = error;
  return false;
}

bool refuse_id(const char* kind, unsigned id, int error, Message* problem) {
  if (error == EINVAL) {
    return refuse(problem,
                  "--user: expected to become {} {}, got an id that this user namespace does not map; map it, or "
                  "give another",
                  kind, id);
  }
  return refuse(problem,
                "--user: expected to become {} {}, got {}; start console-init with the right to change it "
                "(CAP_SETUID, CAP_SETGID)",
                kind, id, strerror(error));
}

bool refuse_owner(const char* option, unsigned owner, int error, Message* problem) {
  if (error == EINVAL) {
    return refuse(problem,
                  "{}: expected the terminal to become user {}'s, got an id that this user namespace does not "
                  "map; map it, or give another",
                  option, owner);
  }
  return refuse(problem, "{}: expected the terminal to become user {}'s, got {}; see what denies fchown here", option,
                owner, strerror(error));
}

}  // namespace

bool give_terminal(const Options& options, const common::UniqueFd& peer, Message* problem) {
  if (!options.has_owner && !options.has_user) return true;
  uid_t owner = options.has_owner ? options.owner : options.user;
  // The group stays that of the devpts' mount option gid=.
  if (fchown(peer.get(), owner, static_cast<gid_t>(-1)) == 0) return true;
  int error = errno;
  if (error == EPERM || error == EROFS) {
    // A namespace without the right to it, or a read-only devpts. Runtimes go on too: the terminal works without.
    Message line;
    line.set("the terminal keeps its owner: {}", strerror(error));
    report(line);
    return true;
  }
  return refuse_owner(options.has_owner ? "--owner" : "--user", owner, error, problem);
}

bool become_user(const Options& options, Message* problem) {
  if (!options.has_user) return true;
  if (!give_up_groups(options)) {
    return refuse(problem,
                  "--user: expected to give up the supplementary groups, got {}; start console-init without them, "
                  "or with the right to change them (CAP_SETGID)",
                  strerror(errno));
  }
  // The group first: the right to change it is lost with the user.
  if (setresgid(options.user_group, options.user_group, options.user_group) == -1) {
    return refuse_id("group", options.user_group, errno, problem);
  }
  if (setresuid(options.user, options.user, options.user) == 0) return true;
  return refuse_id("user", options.user, errno, problem);
}

}  // namespace init
