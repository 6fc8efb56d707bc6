// What `pnpm verify` consists of, one entry a step. `command` runs in the repository's root; its exit status is the
// result, and the last line it prints on standard output is what is told of it. `needs` names commands that it cannot do
// without, with the Debian package of each: the step fails when one is missing.

/** @type {{ name: string, what: string, command: string[], needs?: Record<string, string>, env?: Record<string, string> }[]} */
export const steps = [
  {
    name: "native",
    what: "console-init's sources: format, clang-tidy, sanitized builds, a fuzzer",
    command: ["node", "native/scripts/verify.mjs"],
    needs: {
      "clang++-19": "clang-19",
      "clang-format-19": "clang-format-19",
      "clang-tidy-19": "clang-tidy-19",
      "musl-gcc": "musl-tools",
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
    name: "vsock",
    what: "cmsg/vsock and dial() over AF_VSOCK, in a small VM (a minute)",
    command: ["node", "scripts/verify/vsock-vm.mjs"],
    needs: { "qemu-system-x86_64": "qemu-system-x86", busybox: "busybox-static" },
  },
];
