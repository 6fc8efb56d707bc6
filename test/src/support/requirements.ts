// What a test needs of the machine. A missing thing is a visible skip that says what is missing and what to install;
// with CONSOLE_TEST_STRICT=1 (CI) the skip fails.
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { getuid } from "node:process";
import { staticBusybox } from "./rootfs.js";

/** Where runc's own packages keep RecvFd in Debian's Go tree. */
const RUNC_GO = "/usr/share/gocode/src/github.com/opencontainers/runc/libcontainer/utils/cmsg.go";

/** What Kata's agent is played with, and Debian's packages of it. */
const KATA_GO = {
  "google.golang.org/grpc": "golang-google-grpc-dev",
  "github.com/hashicorp/yamux": "golang-github-hashicorp-yamux-dev",
  "github.com/containerd/ttrpc": "golang-github-containerd-ttrpc-dev",
};

const OPENAT2 = `import ctypes, sys
how = (ctypes.c_uint64 * 3)(0o10000000)  # O_PATH
sys.exit(ctypes.CDLL(None).syscall(437, -100, b"/", how, ctypes.sizeof(how)) < 0)`;

/** Each requirement's check: undefined when it is there, else what is missing. */
const checks = {
  root: () => (getuid?.() === 0 ? undefined : "not running as root"),
  "user-namespaces": () =>
    spawnSync("unshare", ["--user", "--map-root-user", "true"]).status === 0
      ? undefined
      : "user namespaces are not allowed here",
  runc: () => command("runc"),
  crun: () => command("crun"),
  runsc: () => command("runsc"),
  conmon: () => command("conmon"),
  tmux: () => command("tmux"),
  strace: () => command("strace"),
  gcc: () => command("gcc"),
  "g++": () => command("g++"),
  git: () => command("git"),
  chromium: () => command("chromium"),
  python3: () => command("python3"),
  protoc: () => command("protoc", "protobuf-compiler"),
  "dbus-daemon": () => command("dbus-daemon"),
  // Debian's own Python: its modules are of no use to another one.
  "python3-dbus": () =>
    spawnSync("/usr/bin/python3", ["-c", "import dbus"]).status === 0
      ? undefined
      : "libdbus for Python is not installed (Debian: python3-dbus)",
  unshare: () => command("unshare", "util-linux"),
  bwrap: () => command("bwrap", "bubblewrap"),
  newuidmap: () => command("newuidmap", "uidmap"),
  tini: () => command("tini"),
  catatonit: () => command("catatonit"),
  "dumb-init": () => command("dumb-init"),
  wrk: () => command("wrk"),
  "socket-activate": () => command("systemd-socket-activate", "systemd"),
  // By its number, which is one on every architecture; a new enough kernel may still have it refused by a sandbox.
  openat2: () =>
    spawnSync("python3", ["-c", OPENAT2]).status === 0 ? undefined : "openat2 is refused here (Linux 5.6 has it)",
  busybox: () => (staticBusybox() ? undefined : "no static busybox (Debian: busybox-static)"),
  "runc-go": () =>
    command("go", "golang-go") ??
    (existsSync(RUNC_GO)
      ? undefined
      : "runc's Go sources are not installed (Debian: golang-github-opencontainers-runc-dev)"),
  "kata-go": () => command("go", "golang-go") ?? goPackages(KATA_GO),
  fuse: () => {
    if (getuid?.() !== 0) return "not running as root, so no FUSE mount";
    return isUsable("/dev/fuse") ? undefined : "/dev/fuse cannot be opened";
  },
} satisfies Record<string, () => string | undefined>;

export type Requirement = keyof typeof checks;

const known = new Map<Requirement, string | undefined>();

/**
 * Tap's `skip` option: false when everything is there, else a sentence that names all that is missing.
 *
 *     t.test("recvFile …", { skip: needs("root", "runc", "busybox") }, async (t) => { … });
 */
export function needs(...requirements: Requirement[]): string | false {
  const missing = requirements.map(need).filter((reason) => reason !== undefined);
  return missing.length > 0 && [...new Set(missing)].join("; ");
}

function need(requirement: Requirement): string | undefined {
  if (!known.has(requirement)) known.set(requirement, checks[requirement]());
  return known.get(requirement);
}

function command(name: string, debianPackage = name): string | undefined {
  // Runtimes live in sbin, which an ordinary user's PATH may lack; as such a user they are of no use anyway.
  const directories = (process.env["PATH"] ?? "").split(delimiter);
  const found = directories.some((directory) => isUsable(join(directory, name), constants.X_OK));
  return found ? undefined : `${name} is not installed (Debian: ${debianPackage})`;
}

function goPackages(packages: Record<string, string>): string | undefined {
  const missing = Object.entries(packages).filter(([path]) => !existsSync(`/usr/share/gocode/src/${path}`));
  if (missing.length === 0) return undefined;
  return missing.map(([path, name]) => `Go's ${path} is not installed (Debian: ${name})`).join("; ");
}

function isUsable(path: string, mode = constants.R_OK | constants.W_OK): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
