// How a console over a PTY's master begins and ends.
import type { Credentials } from "cmsg-native";
import { checks } from "../options.js";
import type { WindowSize } from "./window-size.js";

export interface PtyConsoleOptions {
  /** What to call it; it identifies nothing. */
  name?: string | undefined;
  /** Who delivered it. */
  peer?: Credentials | undefined;
  /**
   * The window size to set before anything else happens, since the program may ask for it at once: 1 to 65535 columns and
   * rows. Without it a size that was set stays, and 0x0 becomes 80x24.
   */
  initialSize?: WindowSize | undefined;
  /**
   * Whether the terminal turns the program's newlines into CR LF, set together with the size: as `setOnlcr` (default: as
   * the program's runtime left it).
   */
  onlcr?: boolean | undefined;
  /**
   * What to make of a terminal that no process has open: `'end'` (default), the console ends; `'wait'`, it stays, for a
   * program that closes its terminal and opens it again, as systemd does. Then only `endAfter` or `destroy` end it.
   */
  onHangup?: "end" | "wait" | undefined;
}

export interface EndAfterOptions {
  /**
   * How long to read on when the process has ended and others keep the terminal: 0 (end at once) to 2147483647 ms (default
   * 1000), or Infinity, which waits until no process has the terminal open.
   */
  drainTimeoutMs?: number | undefined;
}

/** @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG */
export function checkConsoleOptions({ initialSize, onlcr, onHangup }: PtyConsoleOptions): void {
  if (initialSize !== undefined) checks.size("initialSize", initialSize);
  if (onlcr !== undefined && typeof onlcr !== "boolean") throw checks.refusal("onlcr", "true or false", onlcr);
  if (onHangup !== undefined) checks.oneOf("onHangup", onHangup, ["end", "wait"]);
}
