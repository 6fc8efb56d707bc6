// A console that is bytes on a connection: what only a terminal has is kept here, or not at all.
import type { Duplex } from "node:stream";
import { checks } from "../options.js";
import { ConsoleBase } from "./console-base.js";
import { safeText } from "./safe-text.js";
import type { WindowSize } from "./window-size.js";

/** `end()` does not end the shell, which would see the end of a connection as a hangup. */
export class DuplexConsole extends ConsoleBase {
  readonly name: string;
  readonly #stream: Duplex;
  #size: WindowSize;
  #drained: (() => void) | undefined;

  /** Takes a connected stream. */
  constructor(stream: Duplex, name: string, size: WindowSize) {
    super();
    this.name = safeText(name);
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
    const size = { columns: checks.cells("columns", columns), rows: checks.cells("rows", rows) };
    if (!this.outputEnded && !this.destroyed) this.#size = size;
  }

  /** @internal */
  override _read(): void {
    this.#read();
  }

  /** @internal */
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.outputEnded || this.#stream.write(chunk)) done();
    else this.#drained = done;
  }

  /** @internal */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#stream.destroy();
    this.#continue();
    done(error);
  }

  #read(): void {
    for (let chunk = this.#stream.read(); chunk !== null; chunk = this.#stream.read()) if (!this.give(chunk)) return;
  }

  #continue(): void {
    const done = this.#drained;
    this.#drained = undefined;
    done?.();
  }

  #finish(): void {
    if (this.outputEnded || this.destroyed) return;
    this.endOutput();
    this.#continue();
    this.#stream.destroy();
  }
}
