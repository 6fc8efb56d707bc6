// A root file system of its own for console-init, in namespaces that an ordinary user may make too. What a test mounts
// there is gone with the namespaces.
import { chmodSync, copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { type Output, run } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { staticBusybox } from "../support/rootfs.js";
import { tempDir } from "../support/temp-dir.js";
import { needsStatic, staticConsoleInit } from "./receiver.js";

// Most boxes have no /proc, which console-init needs without openat2; a test denies it, and mounts one.
export const needsBox: string | false =
  needs("unshare", "user-namespaces", "python3", "busybox", "openat2") || needsStatic;

export interface Box {
  /** The directory that holds the root, and what a test puts beside it. */
  dir: string;
  root: string;
  /** Where a receiver listens, as the host sees it; in the box it is /s. */
  socket: string;
}

/** A root that holds console-init, one static program and the directories dev and dev/pts. */
export function createBox(t: Test): Box {
  const dir = tempDir(t);
  const root = join(dir, "root");
  mkdirSync(join(root, "dev/pts"), { recursive: true });
  copyFileSync(staticConsoleInit, join(root, "console-init"));
  copyFileSync(staticBusybox() as string, join(root, "busybox"));
  for (const program of ["console-init", "busybox"]) chmodSync(join(root, program), 0o755);
  return { dir, root, socket: join(root, "s") };
}

/** The usual one. */
export const ownDevpts = 'mount -t devpts -o newinstance,ptmxmode=0666 devpts "$ROOT/dev/pts"';

export interface BoxOptions {
  /** Shell commands in the new namespaces, with ROOT and DIR, before console-init starts. */
  setup?: string;
  /** A program with its arguments that starts what starts console-init, inside the namespaces. */
  through?: string[];
  /** Starts all of it. */
  around?: string[];
  options?: string[];
  command?: string[];
  /** Default: a user namespace of its own. */
  asRoot?: boolean;
}

/** Run console-init as PID 1 in the box, sending to /s there. */
export function runInBox(t: Test, box: Box, options: BoxOptions = {}): Promise<Output> {
  const { setup = ownDevpts, through = [], around = [], asRoot = false } = options;
  const namespaces = ["--fork", "--pid", "--mount", ...(asRoot ? [] : ["--user", "--map-root-user"])];
  const script = `set -e\n${setup}\nexec "$@"`;
  const command = options.command ?? ["/busybox", "stty", "size"];
  const init = ["/console-init", "--console-socket=/s", "--size=80x24", ...(options.options ?? []), "--", ...command];
  const argv = [
    ...around,
    ...["unshare", ...namespaces, "sh", "-c", script, "sh"],
    ...through,
    ...["chroot", box.root, ...init],
  ];
  // chroot(8) is in sbin, which an ordinary user's PATH may lack.
  const PATH = `${process.env["PATH"]}:/usr/sbin:/sbin`;
  const env = { ...process.env, PATH, ROOT: box.root, DIR: box.dir };
  return run(t, argv[0] as string, argv.slice(1), { env });
}
