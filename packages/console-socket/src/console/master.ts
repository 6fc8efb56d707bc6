// What a received descriptor must be, and show, before it is used as a console's master (ptmx). Native code judges it and
// sets its size (native/common/judge_console.h); the words for what it refuses are here.
import { ConsoleRefusal, type ConsoleSettings, type ConsoleVerdict, native } from "cmsg-native";
import { ConsoleSocketError } from "../errors.js";
import type { PtyConsoleOptions } from "./pty-console-options.js";
import { DEFAULT_SIZE, type WindowSize } from "./window-size.js";

/** What is set before anything else happens. */
export function settingsOf({ initialSize, onlcr }: Pick<PtyConsoleOptions, "initialSize" | "onlcr">): ConsoleSettings {
  const { columns, rows } = initialSize ?? DEFAULT_SIZE;
  return [columns, rows, initialSize === undefined, onlcr];
}

/**
 * @param fd borrowed
 * @returns the window size that the terminal has now
 * @throws ConsoleSocketError ERR_CONSOLE_NOT_A_PTY, ERR_CONSOLE_TAMPERED; a system call's error
 */
export function prepareMaster(fd: number, options: PtyConsoleOptions): WindowSize {
  return sizeOf(native.judgeConsole(fd, ...settingsOf(options)));
}

/** The size of what was accepted. Throws as `prepareMaster`. */
export function sizeOf(verdict: ConsoleVerdict): WindowSize {
  if (verdict.refusal !== ConsoleRefusal.none) throw consoleRefused(verdict);
  return { columns: verdict.columns, rows: verdict.rows };
}

/** Why a descriptor is no console, as an error. */
export function consoleRefused(verdict: ConsoleVerdict): Error {
  const { refusal, cause } = verdict;
  switch (refusal) {
    case ConsoleRefusal.otherFile:
      return notAPty(`it is ${describe(verdict)}`);
    case ConsoleRefusal.oneWay:
      return notAPty("it is a ptmx that is not open for reading and writing");
    case ConsoleRefusal.silent:
      return notAPty("it is a character device 5:2 that does not answer as a PTY master", cause);
    case ConsoleRefusal.packetMode:
      return tampered("packet mode (TIOCPKT) is on, which mixes status bytes into the output");
    case ConsoleRefusal.lineDiscipline:
      return tampered("its line discipline is not N_TTY");
    default:
      return cause ?? notAPty(`it was refused for the reason number ${refusal}`);
  }
}

// inode(7).
const S_IFMT = 0o170000;
const S_IFCHR = 0o020000;
const KINDS = new Map([
  [0o010000, "a FIFO or pipe"],
  [S_IFCHR, "a character device"],
  [0o040000, "a directory"],
  [0o060000, "a block device"],
  [0o100000, "a regular file"],
  [0o120000, "a symbolic link"],
  [0o140000, "a socket"],
]);

function describe({ mode, rdevMajor, rdevMinor }: ConsoleVerdict): string {
  const kind = mode & S_IFMT;
  const name = KINDS.get(kind) ?? "an anonymous descriptor (epoll, pidfd, eventfd …)";
  return kind === S_IFCHR ? `${name} ${rdevMajor}:${rdevMinor}` : name;
}

function notAPty(seen: string, cause?: unknown): ConsoleSocketError {
  const message = `Expected the master of a pseudo-terminal (character device 5:2, O_RDWR); ${seen}.`;
  return new ConsoleSocketError("ERR_CONSOLE_NOT_A_PTY", message, cause === undefined ? {} : { cause });
}

function tampered(seen: string): ConsoleSocketError {
  return new ConsoleSocketError("ERR_CONSOLE_TAMPERED", `The console's master was changed before it arrived: ${seen}.`);
}
