// What a user of this package holds: a terminal with a program on its other side.
import type { Duplex } from "node:stream";
import type { WindowSize } from "./window-size.js";

/**
 * The terminal of one program: what the program writes is read here, what is written here is typed.
 *
 * `end()` flushes and stops writing; it is no hangup and sends no Ctrl-D. `destroy()` hangs up; where the terminal is in
 * a virtual machine, it stops reading, and the program goes on. When the program's side has ended, 'end' follows the last
 * byte, and the console closes by itself. Leaving a `for await` loop leaves the console open.
 */
export interface Console extends Duplex {
  /** What its sender called it, made safe to show. It identifies nothing: the socket's path does. */
  readonly name: string;
  /** The window size as the program sees it. */
  readonly size: WindowSize;
  /** Sets the window size; the program gets SIGWINCH when it changed. */
  resize(columns: number, rows: number): void;
}
