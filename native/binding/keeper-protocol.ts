// The numbers of console-keeper's records, as native/keeper/protocol.h and start.h have them. A test compares both.
// docs/keeper-protocol.md says what each record means.

export const KEEPER_VERSION = 1;

/** The most bytes of a record's payload. */
export const KEEPER_MAX_PAYLOAD = 65_536;

/** The most bytes of input that `typed` has not confirmed. */
export const KEEPER_INPUT_CREDIT = 65_536;

/** Kinds of records to the keeper. */
export const ToKeeper = {
  hello: 1,
  attach: 2,
  ack: 3,
  input: 4,
  resize: 5,
  onlcr: 6,
  signal: 7,
  hangUp: 8,
  leave: 9,
  settle: 10,
  replace: 11,
  log: 12,
  start: 13,
  adopt: 14,
  stop: 15,
} as const;

/** Kinds of records from the keeper. */
export const FromKeeper = {
  helloBack: 64,
  output: 65,
  typed: 66,
  lagging: 67,
  gap: 68,
  size: 69,
  tampered: 70,
  hungUp: 71,
  replacing: 72,
  exit: 73,
  error: 74,
  refused: 75,
  arrived: 76,
} as const;

/** Kinds of records from its reaper alone. */
export const FromReaper = {
  started: 80,
  notStarted: 81,
  runtimeOutput: 82,
  child: 83,
  runtimeEnded: 84,
  ended: 85,
} as const;

/** Flags of an attach record. */
export const AttachFlags = { hold: 1, noOutput: 2, pace: 4 } as const;

/** Flags of a start record. */
export const StartFlags = {
  stdin: 1,
  consoleListener: 2,
  readerListener: 4,
  reaperListener: 8,
  kept: 16,
  whenFullWait: 32,
  setOnlcr: 64,
  onlcrOn: 128,
  removeDirectory: 256,
  onlyWithoutSize: 512,
} as const;

/** Why a reader refuses what no ConsoleRefusal is for. */
export const RefusedBecause = { receiveFailed: 64, otherUser: 65, tooManyRefusals: 66 } as const;
