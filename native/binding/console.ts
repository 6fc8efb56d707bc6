// The judgement of a console, which is native: no JavaScript runs between the message and the window size.

/** ConsoleRefusal of native/common/judge_console.h. A test compares the numbers. */
export const ConsoleRefusal = {
  none: 0,
  end: 1,
  noFile: 2,
  manyFiles: 3,
  nameTooLong: 4,
  truncated: 5,
  unknownFile: 6,
  otherFile: 7,
  oneWay: 8,
  silent: 9,
  packetMode: 10,
  lineDiscipline: 11,
  size: 12,
  onlcr: 13,
} as const;

export type ConsoleRefusal = (typeof ConsoleRefusal)[keyof typeof ConsoleRefusal];

export interface ConsoleVerdict {
  refusal: ConsoleRefusal;
  /** The error of the call that failed, where one did. */
  cause?: Error;
  /** st_mode and st_rdev of what was sent instead; 0 where they are not known. */
  mode: number;
  rdevMajor: number;
  rdevMinor: number;
  /** The size that the terminal has now. */
  columns: number;
  rows: number;
}
