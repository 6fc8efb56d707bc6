// The table of open descriptors of a process whose limit a test has lowered.
import { openSync, readdirSync } from "node:fs";

/** How many descriptors are open; the one that looks is among them. */
export function openCount(): number {
  return readdirSync("/proc/self/fd").length;
}

/** Opens /dev/null until the table is full, and returns what it opened. */
export function fillTable(): number[] {
  const fds: number[] = [];
  for (;;) {
    try {
      fds.push(openSync("/dev/null", "r"));
    } catch {
      return fds;
    }
  }
}

/** The code of the error that a promise rejects with, or "resolved". */
export function outcome(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => "resolved",
    (error: NodeJS.ErrnoException) => error.code,
  );
}
