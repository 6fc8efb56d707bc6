// A runtime command that did not do what it was launched for.
import { CmsgError } from "cmsg";
import type { ExitStatus } from "cmsg/process";
import { ConsoleRefusal, native } from "cmsg-native";
import { RefusedBecause } from "cmsg-native/keeper-protocol";
import { consoleRefused } from "../console/master.js";
import { safeText } from "../console/safe-text.js";
import { type ConsoleErrorCode, ConsoleSocketError } from "../errors.js";
import { describeExit } from "../process/exit-status.js";
import type { Refusal } from "./reader-connection.js";

/** The end of the runtime command. */
export interface RuntimeEnd {
  exit: ExitStatus;
  /** What it printed, standard output and error together: the head and the tail of it. */
  output: Buffer;
  /** Whether a console had come by then. */
  consoleCame: boolean;
}

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

export function notOurs(command: string, end: RuntimeEnd): LaunchError {
  const message =
    `Expected ${command} to leave the container's process behind as its child; neither the terminal's session leader ` +
    "nor the pid file names one, and no single process is left. A command that asks a daemon to start containers cannot " +
    "be launched: listen() takes its console.";
  return new LaunchError("ERR_CONSOLE_PID", message, end);
}

export function keeperGone(): ConsoleSocketError {
  return new ConsoleSocketError(
    "ERR_CONSOLE_KEEPER",
    "Expected console-keeper to run as long as the container; it was killed, or failed. How the container ends cannot be " +
      "known: ask the runtime.",
  );
}

/** Why what the command sent is no console, in the words and with the code of whoever else receives one. */
export function refusalOf({ reason, errno, mode, rdevMajor, rdevMinor }: Refusal): Error {
  switch (reason) {
    case ConsoleRefusal.noFile:
      return new CmsgError("ERR_CMSG_NO_FD", "Expected one descriptor beside the name; a message came without.");
    case ConsoleRefusal.manyFiles:
      return new CmsgError("ERR_CMSG_FD_COUNT", "Expected one descriptor; several came.");
    case ConsoleRefusal.nameTooLong:
      return new CmsgError("ERR_CMSG_NAME_TOO_LONG", "A console's name has fewer than 4096 bytes; this one has more.");
    case ConsoleRefusal.truncated:
      return new CmsgError("ERR_CMSG_TRUNCATED", "The kernel had no room for the console's descriptor; it is lost.");
    case RefusedBecause.otherUser:
      return new ConsoleSocketError(
        "ERR_CONSOLE_PEER",
        "Expected the console from a process of this user, or of root; another user connected to its socket.",
      );
    case RefusedBecause.receiveFailed:
      return native.makeError(errno, "recvmsg");
    case RefusedBecause.tooManyRefusals:
      return new ConsoleSocketError("ERR_CONSOLE_NONE", "Expected one console; too many connections brought none.");
    default: {
      const cause = errno === 0 ? {} : { cause: native.makeError(errno, "ioctl") };
      const refusal = reason as ConsoleRefusal;
      return consoleRefused({ refusal, mode, rdevMajor, rdevMinor, columns: 0, rows: 0, ...cause });
    }
  }
}

// Runtimes say what is wrong in their last line.
function lastLine(output: Buffer): string {
  const lines = output.toString().trimEnd().split("\n");
  return safeText(lines.at(-1) ?? "");
}
