// How an end is told: in messages, and as a shell's $?.
import { constants } from "node:os";
import type { ExitStatus } from "cmsg/process";

/** "status 1", "SIGKILL". */
export function describeExit({ code, signal }: ExitStatus): string {
  return signal ?? `status ${code}`;
}

/** As a shell has it in $?: 128+n for a signal. */
export function shellStatus({ code, signal }: ExitStatus): number {
  if (signal === null) return code ?? 0;
  return 128 + (constants.signals[signal] ?? Number(signal.slice(3)));
}
