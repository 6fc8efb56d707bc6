// What the command says on standard error: a line for a person where something is wrong, or with --json a line for every
// event. It imports no more than that: every command starts with it.
import type { LaunchError } from "../launch/launch-errors.js";
import { red } from "./style.js";

export interface Report {
  /** Something happened that a script may wait for. */
  event(name: string, details?: object): void;
  /** Something is wrong. */
  error(error: Error, event?: string): void;
}

export const forPeople: Report = {
  event: () => undefined,
  error: ({ message }) => say(message),
};

export const asJson: Report = {
  event: (name, details) => process.stderr.write(`${JSON.stringify({ event: name, ...details })}\n`),
  error: (error, event = "error") => asJson.event(event, described(error)),
};

export function say(message: string): void {
  process.stderr.write(`${red("console-socket:", process.stderr)} ${message}\n`);
}

function described(error: Error): object {
  const { code, exit, output } = error as Partial<LaunchError>;
  return { code, message: error.message, exit, output };
}

/** As container engines have it, and shells. */
export function exitStatusOf(error: Error): number {
  const { code, syscall = "" } = error as NodeJS.ErrnoException;
  if (!syscall.startsWith("spawn ")) return 125;
  return code === "ENOENT" ? 127 : 126;
}
