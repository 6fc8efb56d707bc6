#include "identity.h"

#include <errno.h>
#include <grp.h>
#include <unistd.h>

#include "progress.h"

namespace init {

namespace {

constexpr int kMostGroups = 65536;  // NGROUPS_MAX of the kernel, include/uapi/linux/limits.h

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
  static gid_t groups[kMostGroups];
  bool same_user = getuid() == options.user && geteuid() == options.user;
  int count = getgroups(kMostGroups, groups);
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

bool refuse_user(const char* what, const Options& options, Message* problem) {
  problem->add("--user: expected to become ").add(what);
  problem->number(what[0] == 'u' ? options.user : options.user_group).add(", got ");
  if (errno == EINVAL) {
    problem->add("an id that this user namespace does not map; map it, or give another");
  } else {
    problem->error(errno).add("; start console-init with the right to change it (CAP_SETUID, CAP_SETGID)");
  }
  return false;
}

}  // namespace

bool give_terminal(const Options& options, const common::UniqueFd& peer, Message* problem) {
  if (!options.has_owner && !options.has_user) return true;
  uid_t owner = options.has_owner ? options.owner : options.user;
  // Its group stays as the devpts' mount option gid= has it.
  if (fchown(peer.get(), owner, static_cast<gid_t>(-1)) == 0) return true;
  int error = errno;
  if (error == EPERM || error == EROFS) {
    // A namespace without the right to it, or a read-only devpts. As runtimes do: the terminal works without.
    say(Message().add("the terminal keeps its owner: ").error(error));
    return true;
  }
  problem->add(options.has_owner ? "--owner" : "--user").add(": expected the terminal to become user ").number(owner);
  problem->add("'s, got ");
  if (error == EINVAL) {
    problem->add("an id that this user namespace does not map; map it, or give another");
  } else {
    problem->error(error).add("; see what denies fchown here");
  }
  return false;
}

bool become_user(const Options& options, Message* problem) {
  if (!options.has_user) return true;
  if (!give_up_groups(options)) {
    problem->add("--user: expected to give up the supplementary groups, got ").error(errno);
    problem->add("; start console-init without them, or with the right to change them (CAP_SETGID)");
    return false;
  }
  // The group first: afterwards the right to it is gone.
  if (setresgid(options.user_group, options.user_group, options.user_group) == -1) {
    return refuse_user("group ", options, problem);
  }
  if (setresuid(options.user, options.user, options.user) == -1) return refuse_user("user ", options, problem);
  return true;
}

}  // namespace init
