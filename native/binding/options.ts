// Which values options may have. The packages cmsg, console-socket and console-init make these checks with an error class
// of their own, so the rules stand below all three, and each package's options.ts names the options that share one.
import { constants } from "node:os";
import { inspect } from "node:util";

/** The longest time that a timer of Node.js can wait: setTimeout turns a longer one into 1 ms. */
export const MAX_TIME_MS: number = 2 ** 31 - 1;
const MAX_INT = 2 ** 31 - 1;
const MAX_U32 = 2 ** 32 - 1;
// One more, (uid_t)-1, means "no change" to chown(2) and its relatives.
const MAX_ID = MAX_U32 - 1;
// struct winsize holds 16 bits each.
const MAX_CELLS = 2 ** 16 - 1;
// SIGRTMAX, signal(7).
const MAX_SIGNAL = 64;

export interface Range {
  min: number;
  max?: number;
  /** What is counted, for the message: "bytes". */
  unit?: string;
}

export interface TimeRange {
  /** 1 by default. 0 is for options that can happen at once. */
  min?: 0 | 1;
  /** Whether Infinity stands for never. */
  never?: boolean;
}

/** Columns and rows of a terminal. */
export interface Size {
  columns: number;
  rows: number;
}

/** Each check returns the value, or throws the error that `invalid` makes of a message. */
export class OptionChecks {
  readonly #invalid: (message: string) => Error;

  constructor(invalid: (message: string) => Error) {
    this.#invalid = invalid;
  }

  /** What the message says: "Expected `name` to be `expected`; got …". */
  refusal(name: string, expected: string, value: unknown): Error {
    return this.#invalid(`Expected ${name} to be ${expected}; got ${shown(value)}.`);
  }

  whole(name: string, value: number, { min, max = MAX_INT, unit }: Range): number {
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw this.refusal(name, `a whole number ${unit ? `of ${unit} ` : ""}from ${min} to ${max}`, value);
  }

  timeMs(name: string, value: number, { min = 1, never = false }: TimeRange = {}): number {
    if (Number.isInteger(value) && value >= min && value <= MAX_TIME_MS) return value;
    if (never && value === Number.POSITIVE_INFINITY) return value;
    const orNever = never ? ", or Infinity for never" : "";
    throw this.refusal(name, `a whole number of milliseconds from ${min} to ${MAX_TIME_MS}${orNever}`, value);
  }

  /** A port or a CID of AF_VSOCK, or any other number of 32 bits. */
  u32(name: string, value: number): number {
    return this.whole(name, value, { min: 0, max: MAX_U32 });
  }

  /** A user's or a group's number. */
  id(name: string, value: number): number {
    return this.whole(name, value, { min: 0, max: MAX_ID });
  }

  size(name: string, value: Size): Size {
    if (typeof value !== "object" || value === null) throw this.refusal(name, "{columns, rows}", value);
    const { columns, rows } = value;
    return { columns: this.cells(`${name}.columns`, columns), rows: this.cells(`${name}.rows`, rows) };
  }

  /** The columns or the rows of a terminal. */
  cells(name: string, value: number): number {
    return this.whole(name, value, { min: 1, max: MAX_CELLS });
  }

  /** Any object that does what an AbortSignal does: polyfills and other realms have classes of their own. */
  abortSignal(value: AbortSignal | undefined): void {
    if (value === undefined) return;
    if (isAbortSignal(value)) return;
    throw this.refusal("signal", "an AbortSignal", value);
  }

  callback(name: string, value: unknown): void {
    if (value !== undefined && typeof value !== "function") throw this.refusal(name, "a function", value);
  }

  oneOf<Choice extends string>(name: string, value: Choice, choices: readonly Choice[]): Choice {
    if (choices.includes(value)) return value;
    const quoted = choices.map((choice) => `'${choice}'`);
    throw this.refusal(name, `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`, value);
  }

  string(name: string, value: string): string {
    if (typeof value === "string") return value;
    throw this.refusal(name, "a string", value);
  }

  /** Arguments of a program, which end at a NUL. */
  strings(name: string, value: readonly string[]): readonly string[] {
    if (!Array.isArray(value)) throw this.refusal(name, "an array of strings", value);
    for (const [index, each] of value.entries()) this.argument(`${name}[${index}]`, each);
    return value;
  }

  /** One of them. */
  argument(name: string, value: string): string {
    if (typeof value === "string" && !value.includes("\0")) return value;
    throw this.refusal(name, "a string without NUL", value);
  }

  /** @returns the signal's number. `min` is 0 where kill(2) may only ask whether the process exists. */
  signalNumber(name: string, value: NodeJS.Signals | number, { min = 0 }: { min?: 0 | 1 } = {}): number {
    const number = typeof value === "string" ? SIGNALS.get(value) : value;
    if (Number.isInteger(number) && (number as number) >= min && (number as number) <= MAX_SIGNAL)
      return number as number;
    throw this.refusal(name, `a signal's name such as 'SIGTERM', or a number from ${min} to ${MAX_SIGNAL}`, value);
  }
}

const SIGNALS = new Map<string, number>(Object.entries(constants.signals));

function isAbortSignal(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
  return (
    typeof aborted === "boolean" && typeof addEventListener === "function" && typeof removeEventListener === "function"
  );
}

const MAX_SHOWN = 80;

// In one line, and without what its getters or inspect functions would do.
function shown(value: unknown): string {
  const text = inspect(value, {
    depth: 0,
    breakLength: Number.POSITIVE_INFINITY,
    customInspect: false,
    maxArrayLength: 5,
    maxStringLength: 60,
  });
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
