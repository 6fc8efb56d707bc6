// Which program makes the namespaces, and how it is called. Nothing of it is made here: unshare and nsenter are util-
// linux', bwrap is bubblewrap's. With unshare a few lines of shell, in the new mount namespace, mount what a terminal
// needs; bwrap does that by itself.
import { accessSync, constants, readlinkSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { InitError } from "./errors.js";
import { checkPid, checks, checkUser } from "./options.js";

/** `count` ids (from 1 on) from `inside` on in the namespace, which are those from `outside` on: 0 to 4294967294. */
export interface IdRange {
  inside: number;
  outside: number;
  count: number;
}

/** The ids inside a new user namespace: this process's user and group under other numbers, or ranges, by newuidmap(1). */
export type UserMap = { uid: number; gid: number } | { uids: IdRange; gids: IdRange };

/** Which namespaces are new. `user: true` makes this process's user root in there. */
export interface Namespaces {
  user?: boolean | UserMap | undefined;
  pid?: boolean | undefined;
  mount?: boolean | undefined;
  uts?: boolean | undefined;
  ipc?: boolean | undefined;
  net?: boolean | undefined;
  cgroup?: boolean | undefined;
}

/** A root file system: a directory with /dev in it, and /proc where the PID namespace is new. */
export interface Root {
  path: string;
  /** unshare and chroot(8), or bwrap, which uses pivot_root(2). */
  by: "chroot" | "pivot_root";
}

/** A process whose namespaces and root to enter. */
export interface Join {
  pid: number;
  /** console-init's path in there; `spawnConsole` itself leaves one at /dev/.console-init. */
  consoleInit?: string | undefined;
}

export interface Sandbox {
  namespaces?: Namespaces | undefined;
  root?: Root | undefined;
  join?: Join | undefined;
}

export interface Plan {
  /** The command line up to console-init's own arguments. */
  argv: string[];
  /** What is started stays as the parent of console-init. */
  forks: boolean;
  /** The devpts on /dev/pts is the sandbox's own; else the host's multiplexer has to be named. */
  ownDevpts: boolean;
}

const INSIDE = "/dev/.console-init";

/** @throws InitError ERR_INIT_INVALID_ARG, ERR_INIT_NO_TOOL */
export function planFor({ namespaces = {}, root, join: joined }: Sandbox, consoleInit: string): Plan {
  const { user } = namespaces;
  if (user !== undefined && typeof user !== "boolean") checkUserMap(user);
  if (joined) {
    if (root || wanted(namespaces).length > 0) throw invalid("join alone", "namespaces or root beside it");
    return byNsenter(joined);
  }
  if (root?.by === "pivot_root") return byBwrap(namespaces, root, consoleInit);
  if (root || wanted(namespaces).length > 0) return byUnshare(namespaces, root, consoleInit);
  return { argv: [consoleInit], forks: false, ownDevpts: false };
}

const KINDS = ["user", "pid", "mount", "uts", "ipc", "net", "cgroup"] as const;
type Kind = (typeof KINDS)[number];

function wanted(namespaces: Namespaces): Kind[] {
  return KINDS.filter((kind) => namespaces[kind]);
}

// The arguments: the PATH to find mount(8) by, since that of the environment is the command's; console-init; the root,
// or nothing; console-init's own.
const BEGIN = `trap '[ $? = 0 ] || exit 125' EXIT
set -e
given=\${PATH+yes} theirs=\${PATH-} PATH=$1 init=$2 root=$3
shift 3`;
const DEVPTS = "mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts";
const PROC = "mount -t proc proc";
// A link out of the root in place of one of these would have the mounts land elsewhere. console-init is copied: were it
// bound, root in the sandbox could write to the file that everybody uses (CVE-2019-5736).
const ROOT_DEV = `cd "$root"
for d in dev proc; do if [ -h $d ]; then echo "$root/$d is a symbolic link" >&2; exit 125; fi; done
mount -t tmpfs -o mode=0755 tmpfs dev
mkdir dev/pts dev/shm
${DEVPTS} dev/pts
for n in null zero full random urandom tty; do : > dev/$n; mount --bind /dev/$n dev/$n; done
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
cp "$init" dev/.console-init
chmod 755 dev/.console-init`;
const END = `chroot=$(command -v chroot)
if [ "$given" ]; then PATH=$theirs; else unset PATH; fi`;
const RUN_HERE = 'exec "$init" "$@"';
const RUN_IN_ROOT = `exec "$chroot" "$root" ${INSIDE} "$@"`;

function script(root: Root | undefined, newProc: boolean): string {
  const mounts = root ? [ROOT_DEV] : [`${DEVPTS} /dev/pts`];
  if (newProc) mounts.push(root ? `${PROC} proc` : `${PROC} /proc`);
  return [BEGIN, ...mounts, END, root ? RUN_IN_ROOT : RUN_HERE].join("\n");
}

function byUnshare(namespaces: Namespaces, root: Root | undefined, consoleInit: string): Plan {
  const { user, pid } = namespaces;
  const mount = namespaces.mount || root !== undefined;
  const flags = wanted({ ...namespaces, user: false, mount }).map((kind) => `--${kind}`);
  if (user) flags.unshift(...unshareMap(user));
  if (mount && user && insideId(user) !== 0) {
    throw invalid("user 0 inside, who may mount, or root.by pivot_root", `user ${insideId(user)}`);
  }
  if (pid) flags.push("--fork", "--kill-child");
  const argv = [tool("unshare"), ...flags, "--"];
  const forks = Boolean(pid);
  if (!mount) return { argv: [...argv, consoleInit], forks, ownDevpts: false };
  // An ordinary user's PATH may lack the directories of chroot(8) and mount(8).
  const PATH = [process.env["PATH"], "/usr/sbin", "/sbin"].filter(Boolean).join(":");
  const shell = ["/bin/sh", "-c", script(root, forks), "sh", PATH, consoleInit, root ? resolve(root.path) : ""];
  return { argv: [...argv, ...shell], forks, ownDevpts: true };
}

function checkUserMap(user: UserMap): void {
  if (typeof user !== "object" || user === null || !("uids" in user)) {
    checkUser("namespaces.user", user);
    return;
  }
  for (const kind of ["uids", "gids"] as const) {
    const range: unknown = user[kind];
    if (typeof range !== "object" || range === null)
      throw checks.refusal(`namespaces.user.${kind}`, "{inside, outside, count}", range);
    const { inside, outside, count } = user[kind];
    checks.id(`namespaces.user.${kind}.inside`, inside);
    checks.id(`namespaces.user.${kind}.outside`, outside);
    checks.whole(`namespaces.user.${kind}.count`, count, { min: 1, max: 2 ** 32 - 1, unit: "ids" });
  }
}

/** Who the command is, unless told otherwise. */
function insideId(user: true | UserMap): number {
  if (user === true) return 0;
  return "uid" in user ? user.uid : user.uids.inside;
}

function unshareMap(user: true | UserMap): string[] {
  if (user === true) return ["--map-root-user"];
  if ("uid" in user) return [`--map-user=${user.uid}`, `--map-group=${user.gid}`];
  const range = ({ inside, outside, count }: IdRange) => [outside, inside, count].join();
  // Without a change it would be nobody in there: its own id is not mapped.
  const become = [`--setuid=${user.uids.inside}`, `--setgid=${user.gids.inside}`];
  return [`--map-users=${range(user.uids)}`, `--map-groups=${range(user.gids)}`, ...become];
}

function byBwrap(namespaces: Namespaces, root: Root, consoleInit: string): Plan {
  const { user, pid } = namespaces;
  const flags = wanted({ ...namespaces, user: false, mount: false }).map((kind) => `--unshare-${kind}`);
  if (user) {
    const { uid, gid } = bwrapMap(user);
    flags.unshift("--unshare-user", "--uid", String(uid), "--gid", String(gid));
  }
  flags.push("--bind", resolve(root.path), "/", "--dev", "/dev", "--ro-bind", consoleInit, INSIDE);
  // Otherwise it would be PID 1 itself.
  if (pid) flags.push("--proc", "/proc", "--as-pid-1");
  return { argv: [tool("bwrap"), ...flags, "--die-with-parent", "--", INSIDE], forks: true, ownDevpts: true };
}

function bwrapMap(user: true | UserMap): { uid: number; gid: number } {
  if (user === true) return { uid: 0, gid: 0 };
  if ("uid" in user) return user;
  throw invalid("one uid and one gid with pivot_root", "ranges, which bwrap cannot map");
}

function byNsenter({ pid, consoleInit = INSIDE }: Join): Plan {
  const link = (of: number | "self", kind: Kind) => readlinkSync(`/proc/${of}/ns/${kind === "mount" ? "mnt" : kind}`);
  const process = checkPid("join.pid", pid);
  const entered = KINDS.filter((kind) => link(process, kind) !== link("self", kind));
  const flags = entered.map((kind) => `--${kind}`);
  // It would become root first, which a namespace without setgroups denies.
  if (entered.includes("user")) flags.push("--preserve-credentials");
  const argv = [tool("nsenter"), "--target", String(process), ...flags, "--root", "--wd", "--", consoleInit];
  return { argv, forks: entered.includes("pid"), ownDevpts: true };
}

function invalid(expected: string, got: string): InitError {
  return new InitError("ERR_INIT_INVALID_ARG", `Expected ${expected}; got ${got}.`);
}

const PACKAGES = { unshare: "util-linux", nsenter: "util-linux", bwrap: "bubblewrap" };

function tool(name: keyof typeof PACKAGES): string {
  for (const directory of (process.env["PATH"] ?? "").split(delimiter)) {
    try {
      const path = join(directory, name);
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Perhaps in the next.
    }
  }
  throw new InitError("ERR_INIT_NO_TOOL", `Expected ${name} in PATH; it is not there. Debian: ${PACKAGES[name]}.`);
}
