// Which process is the container's: the child of the monitor that has the terminal.
import { readFileSync } from "node:fs";
import { ProcessHandle } from "cmsg/process";

/** What the parent of the processes that a runtime command left behind reports about them. */
export interface ChildReports {
  /** The reporting parent. */
  readonly pid: number;
  /** Its children, in the order in which they came. */
  readonly children: readonly number[];
  /** Whether there will be no further report. */
  readonly ended: boolean;
  /** Resolves when `children` or `ended` has changed. */
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
  const inPidFile = readPidFile(pidFile);
  for (;;) {
    const candidates = [leader(), inPidFile].filter((pid) => pid > 0);
    for (const rule of RULES) {
      const verdict = rule(candidates, monitor);
      if (verdict === "none of them") return undefined;
      if (verdict !== undefined) return verdict;
    }
    await monitor.changed();
  }
}

/** A pid, or the certainty that there is none; undefined where the rule says nothing yet. */
type Verdict = number | "none of them" | undefined;
type Rule = (candidates: readonly number[], monitor: ChildReports) => Verdict;

// The first verdict counts. Without one, the monitor's next report is waited for.
const RULES: readonly Rule[] = [childOfTheMonitor, lastChildWhereNoneIsNamed, noChildLeft, stranger];

function childOfTheMonitor(candidates: readonly number[], { children, pid: monitor }: ChildReports): Verdict {
  // A child may not have been reported yet: the monitor reads its children from /proc too.
  return candidates.find((pid) => children.includes(pid) || isChild(pid, monitor));
}

function lastChildWhereNoneIsNamed(candidates: readonly number[], { children, ended }: ChildReports): Verdict {
  return ended && candidates.length === 0 ? children.at(-1) : undefined;
}

function noChildLeft(_candidates: readonly number[], { ended }: ChildReports): Verdict {
  return ended ? "none of them" : undefined;
}

function stranger(candidates: readonly number[], { pid: monitor }: ChildReports): Verdict {
  return candidates.some((pid) => isElsewhere(pid, monitor)) ? "none of them" : undefined;
}

function isChild(pid: number, parent: number): boolean {
  try {
    return parentOf(pid) === parent;
  } catch {
    // Gone meanwhile.
    return false;
  }
}

// Alive, and no descendant of the monitor: it will never become the monitor's child.
function isElsewhere(pid: number, monitor: number): boolean {
  try {
    let ancestor = pid;
    while (ancestor > 1 && ancestor !== monitor) ancestor = parentOf(ancestor);
    return ancestor !== monitor;
  } catch {
    // Gone meanwhile, which the monitor reports.
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
 * A handle of `pid`, if that is a child of `parent` after the handle was made: only its parent frees the number.
 */
export function holdProcess(pid: number, parent: number): ProcessHandle | undefined {
  let handle: ProcessHandle | undefined;
  try {
    handle = ProcessHandle.open(pid);
    if (parentOf(pid) === parent) return handle;
  } catch {
    // ESRCH, or gone from /proc: it has ended and was reaped.
  }
  handle?.close();
  return undefined;
}

// proc(5): the fourth field of stat. The second, in parentheses, may itself contain spaces and parentheses.
function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}
