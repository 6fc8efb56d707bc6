// How a process ended, wait(2).
import { constants } from "node:os";

export interface ExitStatus {
  /** The exit status, or null when a signal ended it. */
  code: number | null;
  /** The name of the signal that ended it ("SIGKILL"; a real-time signal is "SIG34"), or null. */
  signal: NodeJS.Signals | null;
}

const NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name as NodeJS.Signals]));

/** From what wait(2) gives: WIFEXITED, WEXITSTATUS, WTERMSIG. */
export function exitStatus(status: number): ExitStatus {
  const signal = status & 0x7f;
  if (signal === 0) return { code: (status >> 8) & 0xff, signal: null };
  return { code: null, signal: NAMES.get(signal) ?? (`SIG${signal}` as NodeJS.Signals) };
}

/** "status 1", "SIGKILL". */
export function describeExit({ code, signal }: ExitStatus): string {
  return signal ?? `status ${code}`;
}

/** As a shell has it in $?: 128+n for a signal. */
export function shellStatus({ code, signal }: ExitStatus): number {
  if (signal === null) return code ?? 0;
  return 128 + (constants.signals[signal] ?? Number(signal.slice(3)));
}
