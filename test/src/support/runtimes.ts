// The container runtimes the tests drive: how each is called, and what is known of how it behaves. What changed between
// versions follows the version that is installed.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Requirement } from "./requirements.js";

export interface Runtime {
  name: "runc" | "crun" | "runsc";
  /** What the machine must have to run it. */
  needs: Requirement[];
  /** Command and global options; `root` is a directory for the runtime's state. */
  command(root: string): string[];
  /** The option that makes `exec` allocate a terminal. runsc takes --console-socket alone for it. */
  execTerminal: string[];
  /** The bytes that come with the master. */
  payload: string;
  /** Whether it gives the terminal the consoleSize of config.json. */
  appliesConsoleSize: boolean;
  /** Whether `run` of a program that does not exist still sends a console, which then ends at once. */
  ghost: boolean;
}

/** What a runtime says about itself; nothing when it is not installed. */
function said(runtime: string, argument: string): string {
  const { stdout, stderr } = spawnSync(runtime, [argument], { encoding: "utf8" });
  return `${stdout ?? ""}${stderr ?? ""}`;
}

/** Whether `runtime --version` names this version or a later one. */
function isFrom(runtime: string, [major, minor]: readonly [major: number, minor: number]): boolean {
  const [, seenMajor, seenMinor] = said(runtime, "--version").match(/ version (\d+)\.(\d+)/) ?? [];
  return Number(seenMajor) > major || (Number(seenMajor) === major && Number(seenMinor) >= minor);
}

export const runc: Runtime = {
  name: "runc",
  needs: ["root", "busybox", "runc"],
  command: (root) => ["runc", "--root", root],
  execTerminal: ["--tty"],
  payload: isFrom("runc", [1, 2]) ? "/dev/pts/ptmx" : "/dev/ptmx",
  appliesConsoleSize: true,
  ghost: true,
};

/** The first version of crun seen to send a console before it looks for the program; 1.8 does not. */
const CRUN_GHOST = [1, 21] as const;

const crun: Runtime = {
  name: "crun",
  needs: ["root", "busybox", "crun", "unshare"],
  command: (root) => [...withoutHybridCgroup(), "crun", "--root", root, "--cgroup-manager", "disabled"],
  execTerminal: ["--tty"],
  payload: " ",
  appliesConsoleSize: true,
  ghost: isFrom("crun", CRUN_GHOST),
};

/** Of the platforms that need no virtualization systrap took the place of ptrace. */
const platform = /platform to use: [^\n]*systrap/.test(said("runsc", "flags")) ? "systrap" : "ptrace";

const runsc: Runtime = {
  name: "runsc",
  needs: ["root", "busybox", "runsc"],
  // Without a network namespace of its own it refuses to start with a network, and cgroups are not what these tests are
  // about.
  command: (root) => ["runsc", "--root", root, `--platform=${platform}`, "--network=none", "--ignore-cgroups"],
  execTerminal: [],
  payload: "pty-master",
  appliesConsoleSize: false,
  ghost: true,
};

export const runtimes: Runtime[] = [runc, crun, runsc];

/**
 * crun 1.8 refuses to start where cgroup v1 controllers and a cgroup v2 tree are both mounted, as systemd's hybrid mode
 * does: there it runs in a mount namespace of its own that lacks the v2 tree.
 */
function withoutHybridCgroup(): string[] {
  // "36 31 0:33 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices"
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => ({ point: line.split(" ")[4] ?? "", type: line.split(" - ")[1]?.split(" ")[0] }))
    .filter(({ point }) => point.startsWith("/sys/fs/cgroup"));
  const unified = mounts.filter(({ type }) => type === "cgroup2").map(({ point }) => point);
  if (unified.length === 0 || !mounts.some(({ type }) => type === "cgroup")) return [];
  // unshare makes the new namespace's mounts private: the host keeps its own.
  return ["unshare", "--mount", "sh", "-c", `umount ${unified.join(" ")} && exec "$@"`, "sh"];
}
