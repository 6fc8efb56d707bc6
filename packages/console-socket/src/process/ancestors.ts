// Whose descendant the process is that a pid file names.
import { readFileSync } from "node:fs";

/** Whether the process in a pid file lives and is no descendant of `ancestor`: it never will be. False where /proc does not tell. */
export function isElsewhere(pidFile: string, ancestor: number): boolean {
  try {
    let pid = Number(readFileSync(pidFile, "utf8"));
    if (!(pid > 0)) return false;
    while (pid > 1 && pid !== ancestor) pid = parentOf(pid);
    return pid !== ancestor;
  } catch {
    // No such file, or gone meanwhile.
    return false;
  }
}

// proc(5): the fourth field of stat. The second, in parentheses, may itself contain spaces and parentheses.
function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}
