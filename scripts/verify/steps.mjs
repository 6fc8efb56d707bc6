// What `pnpm verify` consists of, one entry a step. `command` runs in the repository's root; its exit status is the
// result, and the last line it prints on standard output is what is told of it. `needs` names commands that it cannot do
// without, with the Debian package of each: the step fails when one is missing.

import { NODES } from "./node-versions.mjs";

/** @type {{ name: string, what: string, command: string[], needs?: Record<string, string>, env?: Record<string, string> }[]} */
export const steps = [
  {
    name: "native",
    what: "console-init's sources: format, clang-tidy, a fuzzer",
    command: ["node", "native/scripts/verify.mjs"],
    needs: {
      "clang++-19": "clang-19",
      "clang-format-19": "clang-format-19",
      "clang-tidy-19": "clang-tidy-19",
    },
  },
  {
    name: "faults",
    what: "each system call of each operation fails, with each errno of its man page",
    command: ["node", "scripts/verify/faults.mjs"],
    needs: { gcc: "gcc" },
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
    what: "the whole suite as an ordinary user",
    command: ["node", "scripts/verify/surroundings.mjs", "user"],
    needs: { setpriv: "util-linux" },
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
