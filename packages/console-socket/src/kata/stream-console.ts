// A console that is bytes on a connection: what only a terminal has is kept here, or not at all.
import { Duplex } from "node:stream";
import type { Console } from "../console/console.js";
import { safeName } from "../console/console-name.js";
import { checkWindowSize, type WindowSize } from "../console/window-size.js";

export class StreamConsole extends Duplex implements Console {
  readonly name: string;
  readonly #stream: Duplex;
  #size: WindowSize;
  #over = false;
  #drained: (() => void) | undefined;

  /** Takes a connected stream. */
  constructor(stream: Duplex, name: string, size: WindowSize) {
    // The two directions end apart, as a terminal's: no more input does not mean no more output.
    super({ allowHalfOpen: true });
    this.name = safeName(Buffer.from(name));
    this.#stream = stream;
    this.#size = { columns: size.columns, rows: size.rows };
    stream.on("readable", () => this.#read());
    stream.on("drain", () => this.#continue());
    stream.once("end", () => this.#finish());
    stream.once("error", (error) => this.destroy(error));
    stream.once("close", () => this.#finish());
  }

  /** As it was given, and as `resize` was told since. The other side does not know it. */
  get size(): WindowSize {
    return this.#size;
  }

  /**
   * Keeps the size, for who asks: nobody on the other side is told.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG
   */
  resize(columns: number, rows: number): void {
    if (!this.#over) this.#size = checkWindowSize({ columns, rows });
  }

  override [Symbol.asyncIterator](): ReturnType<Duplex["iterator"]> {
    return this.iterator({ destroyOnReturn: false });
  }

  /** Types. As with a terminal, what is written when the console has ended is dropped, without an error. */
  override write(...args: [chunk: unknown, ...rest: unknown[]]): boolean {
    if (!this.#over) return super.write(...(args as Parameters<Duplex["write"]>));
    const written = args.at(-1);
    if (typeof written === "function") process.nextTick(written as () => void);
    return true;
  }

  /** Flushes and stops typing. It does not end the shell, which would see the end of a connection as a hangup. */
  override end(...args: unknown[]): this {
    if (!this.#over) return super.end(...(args as Parameters<Duplex["end"]>));
    const ended = args.at(-1);
    return typeof ended === "function" ? super.end(ended as () => void) : super.end();
  }

  override _read(): void {
    this.#read();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#over || this.#stream.write(chunk)) done();
    else this.#drained = done;
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#over = true;
    this.#stream.destroy();
    this.#continue();
    done(error);
  }

  #read(): void {
    for (let chunk = this.#stream.read(); chunk !== null; chunk = this.#stream.read()) if (!this.push(chunk)) return;
  }

  #continue(): void {
    const done = this.#drained;
    this.#drained = undefined;
    done?.();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.push(null);
    this.#continue();
    this.end();
    this.#stream.destroy();
  }
}
