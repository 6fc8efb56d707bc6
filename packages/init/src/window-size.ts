import { InitError } from "./errors.js";

/** A window size in characters, as Node.js's tty has it. */
export interface WindowSize {
  columns: number;
  rows: number;
}

/** struct winsize holds 16 bits each; 0 means that nobody knows. */
export function checkWindowSize({ columns, rows }: WindowSize): void {
  for (const [name, value] of Object.entries({ columns, rows })) {
    if (Number.isInteger(value) && value >= 1 && value <= 0xffff) continue;
    throw new InitError("ERR_INIT_INVALID_ARG", `Expected ${name} from 1 to 65535; got ${String(value)}.`);
  }
}
