// Window sizes, ioctl_tty(2) TIOCSWINSZ.

/** In characters, as Node's tty has it: whole numbers from 1 to 65535. A console's can be 0: its program set none. */
export interface WindowSize {
  columns: number;
  rows: number;
}

/** What takes the place of 0x0, as terminals begin. */
export const DEFAULT_SIZE: WindowSize = { columns: 80, rows: 24 };
