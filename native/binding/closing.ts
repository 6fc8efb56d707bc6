// Descriptors that another process had a hand in are closed on threads: native/addon/closer.h. A test compares the numbers
// with it.

/** Which queue a descriptor waits in. */
export const ClosingKind = { others: 0, masters: 1, listeners: 2 } as const;

/** What `onClosing` is told. */
export const ClosingEvent = { closed: 0, hangs: 1, full: 2, free: 3 } as const;

export interface ClosingState {
  /** Number of descriptors that were handed over and are still open, in the whole process. */
  count: number;
  /** For how long the oldest of them has waited, in milliseconds. */
  oldestMs: number;
}

export interface ClosingFunctions {
  /** `fd`, if it is owned, is closed by the closer from now on. */
  distrust(fd: number): void;
  /** The same, in the queue of PTY masters. */
  treatAsMaster(fd: number): void;
  /** The same, in the queue of listeners: `close` waits until it is closed, 5 ms at most. `bind` does this by itself. */
  treatAsListener(fd: number): void;
  /** Whether the closer closes it. */
  isUntrusted(fd: number): boolean;
  closing(): ClosingState;
  /** A moment, for `closedBefore`. */
  closingMark(): number[];
  /** Whether everything is closed that was handed over before that moment. */
  closedBefore(mark: number[]): boolean;
  /** Whether anything is being closed, or was in the last 20 ms. */
  closedLately(): boolean;
  /** Waits for what is being closed, on this thread. False when there is nothing. */
  waitForClosing(limitMs: number): boolean;
  /** In some queue no thread is free and none can be started. */
  closerIsFull(): boolean;
  /** Calls back with a ClosingEvent, a ClosingKind, and for how long a close has lasted. The first call counts. */
  onClosing(callback: (event: number, kind: number, ms: number) => void): void;
  /** Whether ClosingEvent.closed is told, and the event loop stays alive for it. */
  awaitClosed(awaited: boolean): void;
}
