// The console of either command, connected with this process's terminal or streams.
import type { Console } from "../console/console.js";
import type { WindowSize } from "../console/window-size.js";
import type { CommonOptions } from "./common-options.js";
import type { Copies } from "./copies.js";
import { restoreWhileStopped } from "./signals.js";

/**
 * Whether the console is to make CR LF of newlines. In raw mode this terminal passes them as they are, and the console's
 * has to; everywhere else they would come out doubled.
 */
export function wantsOnlcr({ onlcr, stdin }: CommonOptions): boolean {
  // isTTY is undefined on what is none.
  return onlcr || (stdin && process.stdin.isTTY === true && process.stdout.isTTY === true);
}

/** The size to begin with. */
export function initialSize({ size }: CommonOptions): WindowSize | undefined {
  const { isTTY, columns, rows } = process.stdout;
  return size ?? (isTTY && columns > 0 && rows > 0 ? { columns, rows } : undefined);
}

export async function connect(
  terminal: Console,
  { stdin, size, detachKeys }: CommonOptions & { detachKeys?: string | undefined },
  { copies, command }: { copies: Copies | undefined; command?: string },
): Promise<"ended" | "detached"> {
  const { attach } = await import("../attach/attach.js");
  // In one go with what shows it: with the first pipe the bytes begin to flow.
  copies?.of(terminal, command);
  return attach(terminal, {
    stdin: stdin ? process.stdin : null,
    followSize: size === undefined,
    onResize: (size) => copies?.resize(size),
    detachKeys,
    onRaw: restoreWhileStopped,
  });
}
