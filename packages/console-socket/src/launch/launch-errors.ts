// A runtime command that did not do what it was launched for.
import type { ExitStatus } from "cmsg/process";
import { safeText } from "../console/safe-text.js";
import { type ConsoleErrorCode, ConsoleSocketError } from "../errors.js";
import { describeExit } from "../process/exit-status.js";
import type { RuntimeEnd } from "./monitor-process.js";

/** What `launch` rejects with when the runtime command has ended without a console that lives. */
export class LaunchError extends ConsoleSocketError {
  /** How the runtime command ended. */
  readonly exit: ExitStatus;
  /** What it printed, at most 64 KiB. Untrusted: it can hold terminal escapes. */
  readonly output: string;

  /** @internal */
  constructor(code: ConsoleErrorCode, message: string, { exit, output }: RuntimeEnd) {
    super(code, message);
    this.name = "LaunchError";
    this.exit = exit;
    this.output = output.toString();
  }
}

/** It failed: before it sent a console, or after, which is a ghost that answers nothing. */
export function runtimeFailed(command: string, end: RuntimeEnd, sentConsole: boolean): LaunchError {
  const said = lastLine(end.output);
  const message =
    `${command} ended with ${describeExit(end.exit)} ${sentConsole ? "after" : "before"} it had sent a console` +
    (said ? `: ${said}` : ", and printed nothing.");
  return new LaunchError(sentConsole ? "ERR_CONSOLE_GHOST" : "ERR_CONSOLE_RUNTIME", message, end);
}

export function noConsole(command: string, end: RuntimeEnd): LaunchError {
  const message =
    `Expected ${command} to send a console; it ended with status 0 and sent none. Does its configuration say ` +
    "process.terminal, and is {} what its --console-socket gets?";
  return new LaunchError("ERR_CONSOLE_NONE", message, end);
}

export function notOurs(command: string, end: RuntimeEnd, seen: string): LaunchError {
  const message =
    `Expected ${command} to leave the container's process behind as its child; ${seen}. A command that asks a daemon ` +
    "to start containers cannot be launched: listen() takes its console.";
  return new LaunchError("ERR_CONSOLE_PID", message, end);
}

// Runtimes say what is wrong in their last line.
function lastLine(output: Buffer): string {
  const lines = output.toString().trimEnd().split("\n");
  return safeText(lines.at(-1) ?? "");
}
