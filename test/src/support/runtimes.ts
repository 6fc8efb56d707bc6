// The container runtimes the tests drive: how each is called, and what is known of how it behaves.
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

export const runc: Runtime = {
  name: "runc",
  needs: ["root", "busybox", "runc"],
  command: (root) => ["runc", "--root", root],
  execTerminal: ["--tty"],
  payload: "/dev/ptmx",
  appliesConsoleSize: true,
  ghost: true,
};

const crun: Runtime = {
  name: "crun",
  needs: ["root", "busybox", "crun", "unshare"],
  command: (root) => [...withoutHybridCgroup(), "crun", "--root", root, "--cgroup-manager", "disabled"],
  execTerminal: ["--tty"],
  payload: " ",
  appliesConsoleSize: true,
  ghost: false,
};

const runsc: Runtime = {
  name: "runsc",
  needs: ["root", "busybox", "runsc"],
  // ptrace is the platform that needs no virtualization. Without a network namespace of its own it refuses to start
  // with a network, and cgroups are not what these tests are about.
  command: (root) => ["runsc", "--root", root, "--platform=ptrace", "--network=none", "--ignore-cgroups"],
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
