// How a process ended, wait(2).
import { constants } from "node:os";

export interface ExitStatus {
  /** The exit status, 0 to 255, or null when a signal ended it. */
  code: number | null;
  /** The name of the signal that ended it ("SIGKILL"; a real-time signal is "SIG34"), or null. */
  signal: NodeJS.Signals | null;
}

const NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name as NodeJS.Signals]));

/**
 * Splits a wait status, as wait(2) gives it: WIFEXITED, WEXITSTATUS, WTERMSIG. That is what other programs report, such as
 * a process that reaps for others.
 *
 *     exitStatus(0x0700); // { code: 7, signal: null }
 *     exitStatus(0x000f); // { code: null, signal: "SIGTERM" }
 *
 * @param waitStatus of a process that has ended
 */
export function exitStatus(waitStatus: number): ExitStatus {
  const signal = waitStatus & 0x7f;
  if (signal === 0) return { code: (waitStatus >> 8) & 0xff, signal: null };
  return { code: null, signal: NAMES.get(signal) ?? (`SIG${signal}` as NodeJS.Signals) };
}
