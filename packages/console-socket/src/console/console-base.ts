// What every console is as a stream, whatever brings its bytes.
import { Duplex } from "node:stream";
import { callApart } from "cmsg-native";
import type { Console } from "./console.js";
import type { WindowSize } from "./window-size.js";

type Written = (error?: Error | null) => void;

/** The rules of a console's end that do not depend on what is behind it. */
export abstract class ConsoleBase extends Duplex implements Console {
  abstract readonly name: string;
  abstract readonly size: WindowSize;
  #outputEnded = false;

  constructor() {
    // The two directions end apart: no more input does not mean no more output.
    super({ allowHalfOpen: true });
  }

  abstract resize(columns: number, rows: number): void;

  override [Symbol.asyncIterator](): ReturnType<Duplex["iterator"]> {
    return this.iterator({ destroyOnReturn: false });
  }

  /**
   * Types. What is written when the console has ended is dropped, without an error: a person does not know yet.
   *
   * @returns false when the caller should wait for 'drain'
   */
  override write(chunk: string | Uint8Array, written?: Written): boolean;
  override write(chunk: string | Uint8Array, encoding: BufferEncoding, written?: Written): boolean;
  override write(...args: unknown[]): boolean {
    if (!this.#outputEnded) return super.write(...(args as Parameters<Duplex["write"]>));
    const written = args.at(-1);
    if (typeof written === "function") process.nextTick(written as () => void);
    return true;
  }

  /** Flushes and stops typing: no hangup, no Ctrl-D. As with `write`, what comes after the end is dropped. */
  override end(ended?: () => void): this;
  override end(chunk: string | Uint8Array, ended?: () => void): this;
  override end(chunk: string | Uint8Array, encoding: BufferEncoding, ended?: () => void): this;
  override end(...args: unknown[]): this {
    if (!this.#outputEnded) return super.end(...(args as Parameters<Duplex["end"]>));
    const ended = args.at(-1);
    return typeof ended === "function" ? super.end(ended as () => void) : super.end();
  }

  /** Whether no more bytes will come. */
  protected get outputEnded(): boolean {
    return this.#outputEnded;
  }

  /**
   * As `push`: false when no more is wanted for now. An exception of a 'data' listener is an uncaught one, and the console
   * goes on.
   */
  protected give(chunk: Buffer | null): boolean {
    const more = callApart(() => this.push(chunk));
    if (more !== undefined) return more;
    // The exception kept the Readable from asking for the next chunk.
    process.nextTick(() => this.read(0));
    return this.readableLength < this.readableHighWaterMark;
  }

  /** From now on: the stream ends when what it holds has been read, and takes no more. */
  protected endOutput(): void {
    this.#outputEnded = true;
    this.give(null);
    this.end();
  }
}
