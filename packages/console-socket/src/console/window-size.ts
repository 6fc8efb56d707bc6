// Window sizes, ioctl_tty(2) TIOCSWINSZ.
import { ConsoleSocketError } from "../errors.js";

/** In characters, as Node's tty has it. */
export interface WindowSize {
  columns: number;
  rows: number;
}

const LARGEST = 65535;

/** @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG unless both are integers from 0 to 65535. */
export function checkWindowSize({ columns, rows }: WindowSize): WindowSize {
  const fits = (count: number): boolean => Number.isInteger(count) && count >= 0 && count <= LARGEST;
  if (fits(columns) && fits(rows)) return { columns, rows };
  throw new ConsoleSocketError(
    "ERR_CONSOLE_INVALID_ARG",
    `A window size is two integers from 0 to ${LARGEST}; this is ${columns} columns, ${rows} rows.`,
  );
}
