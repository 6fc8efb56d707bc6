// How a console over a PTY's master begins and ends.
import type { Credentials } from "cmsg-native";
import { ConsoleSocketError } from "../errors.js";
import { checkWindowSize, type WindowSize } from "./window-size.js";

export interface PtyConsoleOptions {
  /** What to call it; it identifies nothing. */
  name?: string | undefined;
  /** Who delivered it. */
  peer?: Credentials | undefined;
  /**
   * The window size to set before anything else happens: the program may ask for it at once. Without it a size that was
   * set stays, and 0x0 becomes 80x24.
   */
  initialSize?: WindowSize | undefined;
  /**
   * What to make of a terminal that no process has open: `'end'` (default), the console ends; `'wait'`, it stays, for a
   * program that closes its terminal and opens it again, as systemd does. Then only `endAfter` or `destroy` end it.
   */
  onHangup?: "end" | "wait" | undefined;
}

export interface EndAfterOptions {
  /** How long to read on when the process has ended and others keep the terminal. 1000 by default. */
  drainTimeoutMs?: number | undefined;
}

/** @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG */
export function checkConsoleOptions({ initialSize, onHangup }: PtyConsoleOptions): void {
  if (initialSize) checkWindowSize(initialSize);
  if (onHangup === undefined || onHangup === "end" || onHangup === "wait") return;
  throw new ConsoleSocketError(
    "ERR_CONSOLE_INVALID_ARG",
    `onHangup is 'end' or 'wait', not ${JSON.stringify(onHangup)}.`,
  );
}
