// A session as a recording: asciicast v3, docs.asciinema.org/manual/asciicast/v3. A line with the header, then one for
// each event: the seconds since the event before, a letter, and text.
import { Transform, type TransformCallback } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { DEFAULT_SIZE, type WindowSize } from "../console/window-size.js";
import { checks } from "../options.js";

export interface AsciicastOptions {
  /** The size at the beginning, as a console's `size`: 0 to 65535 columns and rows. 0 becomes 80 columns, 24 rows. */
  initialSize: WindowSize;
  /** What ran, for the player to show. */
  command?: string | undefined;
  title?: string | undefined;
  /** The terminal's type, TERM. */
  type?: string | undefined;
}

/** A Transform of a console's bytes: `console.pipe(recording).pipe(file)`; tell it of `resize` and `exit`. */
export class Asciicast extends Transform {
  readonly #decoder: StringDecoder = new StringDecoder("utf8");
  #size: WindowSize;
  #latest: number = performance.now();
  #status: number | undefined;

  /** @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG */
  constructor({ initialSize, command, title, type }: AsciicastOptions) {
    super();
    this.#size = recordable("initialSize", initialSize);
    const term = { cols: this.#size.columns, rows: this.#size.rows, ...(type !== undefined && { type }) };
    const about = { ...(command !== undefined && { command }), ...(title !== undefined && { title }) };
    this.push(`${JSON.stringify({ version: 3, term, timestamp: Math.floor(Date.now() / 1000), ...about })}\n`);
  }

  /**
   * The window has another size from now on; `size` is as the option.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG
   */
  resize(size: WindowSize): void {
    const { columns, rows } = recordable("size", size);
    if (this.#status !== undefined || (columns === this.#size.columns && rows === this.#size.rows)) return;
    this.#size = { columns, rows };
    this.#event("r", `${columns}x${rows}`);
  }

  /**
   * Ends the recording, after what was shown, with the program's exit status. Where `end()` comes first, as it does from
   * a console that ends, nothing can be added: pipe the console with `{end: false}` and call this.
   *
   * @param status from -2147483648 to 2147483647
   * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG
   */
  exit(status: number): void {
    checks.whole("status", status, { min: -(2 ** 31) });
    this.#status = status;
    this.end();
  }

  /** @internal */
  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    // A character may be cut in two between chunks.
    const text = this.#decoder.write(chunk);
    if (text !== "") this.#event("o", text);
    done();
  }

  /** @internal */
  override _flush(done: TransformCallback): void {
    const rest = this.#decoder.end();
    if (rest !== "") this.#event("o", rest);
    if (this.#status !== undefined) this.#event("x", String(this.#status));
    done();
  }

  #event(letter: "o" | "r" | "x", text: string): void {
    const now = performance.now();
    const seconds = Math.max(0, now - this.#latest) / 1000;
    this.#latest = now;
    this.push(`[${seconds.toFixed(6)}, ${JSON.stringify(letter)}, ${JSON.stringify(text)}]\n`);
  }
}

// A program can set its terminal to 0x0, which no player shows; a recording must not end by that.
function recordable(name: string, size: WindowSize): WindowSize {
  if (typeof size !== "object" || size === null) throw checks.refusal(name, "{columns, rows}", size);
  const { columns, rows } = size;
  checks.whole(`${name}.columns`, columns, { min: 0, max: 65_535 });
  checks.whole(`${name}.rows`, rows, { min: 0, max: 65_535 });
  return { columns: columns || DEFAULT_SIZE.columns, rows: rows || DEFAULT_SIZE.rows };
}
