// The judgement of a console, which is native: no JavaScript runs between the message and the window size.

import type { Credentials } from "./native.js";

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

/** Arguments of native functions. `onlyWithoutSize`: the size is set only in the place of 0x0. */
export type ConsoleSettings = [columns: number, rows: number, onlyWithoutSize: boolean, onlcr: boolean | undefined];

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

/** What one message of a connection was: `error` of recvmsg(2), or a verdict. */
export type ConsoleDelivery =
  | { error: Error }
  | (ConsoleVerdict & {
      error?: undefined;
      /** The accepted master; owned. Everything else that came is closed. */
      master?: number;
      /** Number of descriptors that came. */
      count: number;
      /** Untrusted. */
      name: Buffer;
    });

/**
 * A connection was accepted (then with `peer`), or delivered, or both. With an error and no connection: none could be
 * accepted, and none is until `accept()`.
 */
export interface ConsoleEvent {
  /** Of an accepted one: owned, the hearer's to close. */
  connection?: number;
  peer?: Credentials;
  /** Whether the peer's user may deliver. Nothing is received from others. */
  allowed?: boolean;
  delivery?: ConsoleDelivery;
  error?: Error;
}

/** Receives consoles natively: JavaScript hears of one when its size is set (native/addon/console_receiver.h). */
export interface ConsoleReceiver {
  /** Accepts connections of a listening socket, borrowed, and receives from each. */
  listen(fd: number): void;
  /** Accepts again after an error. */
  accept(): void;
  /** Receives from a connection, borrowed: what is there, or undefined, and then one event. */
  receive(connection: number): ConsoleDelivery | undefined;
  /** Does not receive from that connection any more. It is for the caller to close. */
  forget(connection: number): void;
  /** Forgets everything. Call it before the listening socket is closed. */
  close(): void;
}
