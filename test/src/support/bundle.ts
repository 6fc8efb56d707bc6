// An OCI bundle: a rootfs and the config.json that runc 1.1, crun 1.8 and runsc all take.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { createRootfs } from "./rootfs.js";
import { tempDir } from "./temp-dir.js";

export interface Size {
  columns: number;
  rows: number;
}

export interface ProcessOptions {
  /** Default: an interactive busybox shell. */
  args?: string[];
  /** Beside PATH and TERM. */
  env?: Record<string, string>;
  /** Default: true. A container for `exec` alone needs none of its own. */
  terminal?: boolean;
  /** What the runtime gives the terminal before it sends it; without it the size is 0x0. runsc ignores it. */
  consoleSize?: Size;
}

export interface BundleOptions extends ProcessOptions {
  /** Path inside to directory or file of this machine. */
  binds?: Record<string, string>;
}

// scripts/test.mjs finds by this what a killed test file left running, containers too.
const { CONSOLE_TEST_RUN } = process.env;
const RUN = CONSOLE_TEST_RUN ? { CONSOLE_TEST_RUN } : {};

/** The `process` object of config.json, which `exec --process` takes as well. */
export function ociProcess({ args = ["/bin/sh"], env = {}, terminal = true, consoleSize }: ProcessOptions) {
  return {
    terminal,
    ...(consoleSize && { consoleSize: { width: consoleSize.columns, height: consoleSize.rows } }),
    user: { uid: 0, gid: 0 },
    args,
    env: Object.entries({ PATH: "/bin", TERM: "xterm", ...RUN, ...env }).map(([name, value]) => `${name}=${value}`),
    cwd: "/",
  };
}

const tmpfs = { type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755", "size=1024k"] };
const devpts = {
  type: "devpts",
  source: "devpts",
  options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
};

/** A new bundle directory, removed when the test ends. */
export function createBundle(t: Test, { binds = {}, ...program }: BundleOptions = {}): string {
  const dir = tempDir(t);
  mkdirSync(join(dir, "rootfs"));
  createRootfs(join(dir, "rootfs"));
  const config = {
    ociVersion: "1.0.2",
    process: ociProcess(program),
    root: { path: "rootfs" },
    hostname: "box",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", ...tmpfs },
      { destination: "/dev/pts", ...devpts },
      ...Object.entries(binds).map(([destination, source]) => ({
        destination,
        source,
        type: "bind",
        options: ["bind"],
      })),
    ],
    // No network namespace: it takes time to make and no test here uses a network.
    linux: { namespaces: ["pid", "ipc", "uts", "mount"].map((type) => ({ type })) },
  };
  writeFileSync(join(dir, "config.json"), JSON.stringify(config));
  return dir;
}
