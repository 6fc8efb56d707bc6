// What `pnpm verify` consists of, one entry a step. `command` runs in the repository's root; its exit status is the
// result, and the last line it prints on standard output is what is told of it. `needs` names commands that it cannot do
// without, with the Debian package of each: the step fails when one is missing. `short` is what differs in the form that
// CI runs, in about a minute; a step without it has none.

import { NODES } from "./node-versions.mjs";

const tests = (...names) => names.map((name) => `test/dist/${name}.test.js`);

// What peers can do, the messages, and the engine of the consoles.
const SANITIZED = [
  "hostile",
  "native",
  "cmsg/closing",
  "cmsg/codec",
  "cmsg/message",
  "cmsg/passing",
  "console-socket/pty-console",
];

/** @type {{ name: string, what: string, command: string[], needs?: Record<string, string>, env?: Record<string, string>, short?: object }[]} */
export const steps = [
  {
    name: "native",
    what: "native/'s sources: format, clang-tidy, fuzzers",
    command: ["node", "native/scripts/verify.mjs"],
    short: {
      command: ["node", "native/scripts/verify.mjs", "format", "lines", "tidy", "fuzz"],
      env: { FUZZ_SECONDS: "3" },
    },
    needs: {
      "clang++-19": "clang-19",
      "clang-format-19": "clang-format-19",
      "clang-tidy-19": "clang-tidy-19",
    },
  },
  {
    name: "coverage",
    what: "the whole suite with counters: which lines of C++ and TypeScript ran, by file",
    command: ["node", "scripts/verify/coverage.mjs"],
    short: {
      command: ["node", "scripts/verify/coverage.mjs", ...tests("init/denied", "init/options", "cmsg/passing")],
    },
    needs: { "clang++-19": "clang-19", "llvm-cov-19": "llvm-19", "llvm-profdata-19": "llvm-19" },
  },
  {
    name: "faults",
    what: "each system call of each operation fails, with each errno of its man page",
    command: ["node", "scripts/verify/faults.mjs"],
    needs: { gcc: "gcc", python3: "python3", strace: "strace" },
  },
  {
    name: "random-peers",
    what: "a listener and 100,000 random sequences of what a peer can do",
    command: ["node", "scripts/verify/random-peers.mjs"],
    needs: { python3: "python3" },
  },
  {
    name: "growth",
    what: "a minute of descriptors at full rate, as messages and as a stream: memory does not grow",
    command: ["node", "scripts/verify/growth.mjs"],
  },
  {
    name: "sanitize-address",
    what: "the whole suite with ASan and UBSan in the addon and the executables",
    command: ["node", "scripts/verify/sanitize.mjs", "address"],
    short: { command: ["node", "scripts/verify/sanitize.mjs", "address", ...SANITIZED] },
    needs: { patchelf: "patchelf", "musl-gcc": "musl-tools" },
  },
  {
    name: "sanitize-leaks",
    what: "what the addon allocates and nothing points to when a process ends, with LSan",
    command: ["node", "scripts/verify/sanitize.mjs", "leaks"],
    needs: { patchelf: "patchelf", "musl-gcc": "musl-tools" },
  },
  {
    name: "sanitize-thread",
    what: "what has threads (closer, watchdog, Workers) with TSan in the addon",
    command: ["node", "scripts/verify/sanitize.mjs", "thread"],
    needs: { patchelf: "patchelf", "musl-gcc": "musl-tools", setarch: "util-linux" },
  },
  ...NODES.map((version) => ({
    name: `node-${version}`,
    what: `the whole suite on Node ${version}`,
    command: ["node", "scripts/verify/surroundings.mjs", "node", version],
    needs: { npm: "npm" },
  })),
  {
    name: "user",
    what: "the whole suite as an ordinary login, and what depends on groups as a login in several",
    command: ["node", "scripts/verify/surroundings.mjs", "user"],
    needs: { setpriv: "util-linux", useradd: "passwd" },
  },
  {
    name: "old-kernel",
    what: "the whole suite with the newer socket options and openat2 refused",
    command: ["node", "scripts/verify/surroundings.mjs", "old-kernel"],
    needs: { python3: "python3" },
  },
  {
    name: "shipping",
    what: "packed, installed without a compiler, run on every Node and on arm64",
    command: ["node", "scripts/verify/shipping.mjs"],
    needs: {
      "aarch64-linux-gnu-gcc-12": "gcc-12-aarch64-linux-gnu",
      "aarch64-linux-gnu-g++-12": "g++-12-aarch64-linux-gnu",
      "qemu-aarch64-static": "qemu-user-static",
    },
  },
  {
    name: "dbus-next",
    what: "dbus-next with UnixStream in the place of usocket, through a dbus-daemon",
    command: ["node", "scripts/verify/dbus-next.mjs"],
    needs: { npm: "npm", "dbus-daemon": "dbus-daemon", python3: "python3-dbus" },
  },
  {
    name: "vsock",
    what: "cmsg/vsock and dial() over AF_VSOCK, in a small VM (a minute)",
    command: ["node", "scripts/verify/vsock-vm.mjs"],
    needs: { "qemu-system-x86_64": "qemu-system-x86", busybox: "busybox-static" },
  },
];
