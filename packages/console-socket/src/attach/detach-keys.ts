// The keys that leave a console, in docker's syntax: "ctrl-p,ctrl-q".
//
// What may be their beginning is held back: until the next key shows that it is not, or a second has passed. So each of
// them can be typed, the first one too.
import { Transform, type TransformCallback } from "node:stream";
import { ConsoleSocketError } from "../errors.js";
import { checks } from "../options.js";

const HALF_TYPED_MS = 1000;

/**
 * @param keys characters and `ctrl-` with a letter or one of `@[\]^_`, with commas between; `DEL`
 * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG
 */
export function parseDetachKeys(keys: string): Buffer {
  checks.string("detachKeys", keys);
  return Buffer.concat(keys.split(",").map((key) => parseKey(key, keys)));
}

function parseKey(key: string, keys: string): Buffer {
  const control = key.match(/^ctrl-([a-z@[\\\]^_])$/i)?.[1];
  // ascii(7): control characters are the upper case's without one bit.
  if (control !== undefined) return Buffer.from([control.toUpperCase().charCodeAt(0) & 0x1f]);
  if (key === "DEL") return Buffer.from([0x7f]);
  if ([...key].length === 1) return Buffer.from(key);
  throw new ConsoleSocketError(
    "ERR_CONSOLE_INVALID_ARG",
    `Expected keys such as ctrl-p,ctrl-q (a character, or ctrl- and a letter or one of @[\\]^_), not ` +
      `${JSON.stringify(key)} in ${JSON.stringify(keys)}.`,
  );
}

/** Passes on what is typed, up to the detach keys: then it calls `onDetach` with what was typed behind them, and ends. */
export class DetachKeys extends Transform {
  readonly #keys: Buffer;
  readonly #onDetach: (rest: Buffer) => void;
  #held = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(keys: Buffer, onDetach: (rest: Buffer) => void) {
    // One chunk at a time: none waits here behind the one that has the keys, of which the caller gets the rest.
    super({ writableHighWaterMark: 1 });
    this.#keys = keys;
    this.#onDetach = onDetach;
  }

  /** @internal */
  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    clearTimeout(this.#timer);
    // What is held is the beginning of the keys.
    const typed = Buffer.concat([this.#keys.subarray(0, this.#held), chunk]);
    const found = typed.indexOf(this.#keys);
    if (found === -1) this.#hold(typed);
    else this.#detach(typed.subarray(0, found), typed.subarray(found + this.#keys.length));
    done();
  }

  /** @internal */
  override _flush(done: TransformCallback): void {
    clearTimeout(this.#timer);
    this.#passHeld();
    done();
  }

  /** @internal */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#timer);
    done(error);
  }

  #detach(before: Buffer, behind: Buffer): void {
    this.#held = 0;
    this.push(before);
    this.push(null);
    this.#onDetach(behind);
  }

  #hold(typed: Buffer): void {
    this.#held = this.#beginningAtEnd(typed);
    if (this.#held > 0) this.#timer = setTimeout(() => this.#passHeld(), HALF_TYPED_MS).unref();
    this.push(typed.subarray(0, typed.length - this.#held));
  }

  #passHeld(): void {
    const held = this.#keys.subarray(0, this.#held);
    this.#held = 0;
    if (held.length > 0) this.push(held);
  }

  /** The length of the longest beginning of the keys that `typed` ends with. */
  #beginningAtEnd(typed: Buffer): number {
    let length = Math.min(this.#keys.length - 1, typed.length);
    while (length > 0 && !typed.subarray(typed.length - length).equals(this.#keys.subarray(0, length))) length--;
    return length;
  }
}
