/** A window size in characters, as Node.js's tty has it: whole numbers from 1 to 65535. */
export interface WindowSize {
  columns: number;
  rows: number;
}
