// What the property tests of parsers have in common: the parts that packages do not export, and bytes in pieces.
import { join } from "node:path";
import { Duplex } from "node:stream";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { repository } from "./paths.js";

/** A module that its package does not export: `console-socket/dist/kata/rpc/yamux/yamux-stream.js`. */
export async function internal<Module>(path: string): Promise<Module> {
  return (await import(pathToFileURL(join(repository, "packages", path)).href)) as Module;
}

/** Where to cut: fractions of the length, so that they shrink together with the bytes. */
export const cuts: fc.Arbitrary<number[]> = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 });

/** `bytes` in pieces, some of which may be empty. */
export function inPieces(bytes: Uint8Array, at: readonly number[]): Buffer[] {
  const ends = at.map((fraction) => Math.floor(fraction * bytes.length)).sort((a, b) => a - b);
  const whole = Buffer.from(bytes);
  return [...ends, bytes.length].map((end, index) => whole.subarray(ends[index - 1] ?? 0, end));
}

/** A connection whose other end is the test: `feed` arrives, a turn of the event loop between two pieces. */
export class FedConnection extends Duplex {
  readonly #sent: Buffer[] = [];

  constructor() {
    super({ allowHalfOpen: true });
  }

  /** What was written on it. */
  get sent(): Buffer {
    return Buffer.concat(this.#sent);
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#sent.push(chunk);
    done();
  }

  async feed(pieces: readonly Buffer[]): Promise<void> {
    for (const piece of pieces) {
      await new Promise(setImmediate);
      if (!this.readableEnded && !this.destroyed) this.push(piece);
    }
    await new Promise(setImmediate);
    if (!this.destroyed) this.push(null);
  }
}
