// What a console showed, as a log: the bytes as they are, or lines in the format of Kubernetes' container runtime
// interface, which kubectl logs and log collectors read:
//
//   2026-01-31T12:00:00.123456789Z stdout F a whole line
//   2026-01-31T12:00:00.123456789Z stdout P a part of a long line, which goes on in the next one
import { Transform, type TransformCallback } from "node:stream";
import { checks } from "../options.js";

export interface ConsoleLogOptions {
  /** `'raw'` (default), or `'cri'`. */
  format?: "raw" | "cri" | undefined;
  /** Maximum length of a line, from 1 to 2147483647 bytes (default 16384, as containerd's). Longer ones become parts. */
  maxLineBytes?: number | undefined;
}

const NEWLINE = 0x0a;

/** A Transform of a console's bytes: `console.pipe(new ConsoleLog({ format: "cri" })).pipe(file)`. */
export class ConsoleLog extends Transform {
  readonly #cri: boolean;
  readonly #maxLineBytes: number;
  #line: Buffer = Buffer.alloc(0);

  /** @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG */
  constructor({ format = "raw", maxLineBytes = 16_384 }: ConsoleLogOptions = {}) {
    super();
    checks.oneOf("format", format, ["raw", "cri"]);
    checks.whole("maxLineBytes", maxLineBytes, { min: 1, unit: "bytes" });
    this.#cri = format === "cri";
    this.#maxLineBytes = maxLineBytes;
  }

  /** @internal */
  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#cri) this.#split(Buffer.concat([this.#line, chunk]));
    else this.push(chunk);
    done();
  }

  // A last line without a newline is whole all the same: nothing follows.
  /** @internal */
  override _flush(done: TransformCallback): void {
    if (this.#line.length > 0) this.#write("F", this.#line);
    done();
  }

  #split(bytes: Buffer): void {
    let rest = bytes;
    for (;;) {
      const newline = rest.indexOf(NEWLINE);
      const length = newline === -1 ? rest.length : newline;
      if (length > this.#maxLineBytes) {
        this.#write("P", rest.subarray(0, this.#maxLineBytes));
        rest = rest.subarray(this.#maxLineBytes);
      } else if (newline !== -1) {
        this.#write("F", rest.subarray(0, newline));
        rest = rest.subarray(newline + 1);
      } else break;
    }
    this.#line = rest;
  }

  // A terminal has one output, which is called stdout here.
  #write(tag: "F" | "P", line: Buffer): void {
    this.push(Buffer.concat([Buffer.from(`${timestamp()} stdout ${tag} `), line, Buffer.of(NEWLINE)]));
  }
}

/** RFC 3339 with nine digits, as Go's time.RFC3339Nano readers expect; this clock gives six of them. */
function timestamp(): string {
  const microseconds = Math.round((performance.timeOrigin + performance.now()) * 1000);
  const milliseconds = Math.floor(microseconds / 1000);
  const fraction = String(microseconds % 1_000_000).padStart(6, "0");
  return `${new Date(milliseconds).toISOString().slice(0, 19)}.${fraction}000Z`;
}
