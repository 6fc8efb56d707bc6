// Which process is the container's: the child of the monitor that has the terminal.
import { readFileSync } from "node:fs";
import { OwnedFd } from "cmsg";
import { native } from "cmsg-native";

/** What the parent of the processes that a runtime command left behind reports about them. */
export interface ChildReports {
  /** The reporting parent. */
  readonly pid: number;
  /** Its children, in the order in which they came. */
  readonly children: readonly number[];
  /** Whether there will be no further report. */
  readonly over: boolean;
  /** Resolves when `children` or `over` has changed. */
  changed(): Promise<void>;
}

/**
 * The pid of the process that a runtime command started, out of the processes it left behind: the session leader of the
 * terminal; or, where that has ended or a program inside has given the terminal to another session, what the pid file
 * says. It may come a little after the command's end (crun's is another's child first). Where neither tells, and the
 * monitor has nobody left, the process that came last was it. Undefined when it is none of them.
 */
export async function findContainer(
  monitor: ChildReports,
  leader: () => number,
  pidFile: string,
): Promise<number | undefined> {
  const named = readPidFile(pidFile);
  for (;;) {
    const { children, over } = monitor;
    const candidates = [leader(), named].filter((pid) => pid > 0);
    // What the monitor is not told of its children (it reads them from /proc too) it cannot tell.
    const found = candidates.find((pid) => children.includes(pid) || isChild(pid, monitor.pid));
    if (found !== undefined) return found;
    if (over) return candidates.length === 0 ? children.at(-1) : undefined;
    if (candidates.some((pid) => isElsewhere(pid, monitor.pid))) return undefined;
    await monitor.changed();
  }
}

function isChild(pid: number, parent: number): boolean {
  try {
    return parentOf(pid) === parent;
  } catch {
    // Gone meanwhile.
    return false;
  }
}

// Alive, and no descendant of the monitor: another process's child for ever.
function isElsewhere(pid: number, monitor: number): boolean {
  try {
    let ancestor = pid;
    while (ancestor > 1 && ancestor !== monitor) ancestor = parentOf(ancestor);
    return ancestor !== monitor;
  } catch {
    // Gone meanwhile, which the monitor tells.
    return false;
  }
}

function readPidFile(path: string): number {
  try {
    return Number(readFileSync(path, "utf8"));
  } catch {
    // {pid} was not asked for, or the runtime does not write it.
    return 0;
  }
}

/**
 * A handle of `pid` that never means another process, pidfd_open(2), if that is a child of `parent` still: nobody but
 * its parent frees the number.
 */
export function holdProcess(pid: number, parent: number): OwnedFd | undefined {
  let pidfd: OwnedFd | undefined;
  try {
    pidfd = new OwnedFd(native.openPidfd(pid));
    if (parentOf(pid) === parent) return pidfd;
  } catch {
    // ESRCH, or gone from /proc: it has ended and was reaped.
  }
  pidfd?.close();
  return undefined;
}

// proc(5): the fourth field of stat. The second, in parentheses, may itself contain spaces and parentheses.
function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}
