import { InitError } from "./errors.js";

/** As Node's `tty`, and as a receiver has it. */
export interface ConsoleSize {
  columns: number;
  rows: number;
}

/** struct winsize holds 16 bits each; 0 means that nobody knows. */
export function checkSize({ columns, rows }: ConsoleSize): void {
  for (const [name, value] of Object.entries({ columns, rows })) {
    if (Number.isInteger(value) && value >= 1 && value <= 0xffff) continue;
    throw new InitError("ERR_INIT_INVALID_ARG", `Expected ${name} from 1 to 65535; got ${String(value)}.`);
  }
}
