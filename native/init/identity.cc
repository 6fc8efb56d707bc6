#include "identity.h"

#include <errno.h>
#include <grp.h>
#include <unistd.h>

#include "progress.h"

namespace init {

namespace {

// setgroups(2) is denied for good in a user namespace that an ordinary user made. Nothing is lost by it where there is
// no group to give up.
bool give_up_groups() {
  return setgroups(0, nullptr) == 0 || getgroups(0, nullptr) == 0;
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
  if (!give_up_groups()) {
    problem->add("--user: expected to give up the supplementary groups, got ").error(errno);
    problem->add("; start console-init without them, or where setgroups is allowed");
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
