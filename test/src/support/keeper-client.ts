// One connection to a keeper's reader or reaper, by native/keeper/protocol.h. Records come in any pieces; what is not
// output is kept until a test asks for it.
import { once } from "node:events";
import { closeSync } from "node:fs";
import { UnixStream } from "cmsg";
import { AttachFlags, FromKeeper, FromReaper, ToKeeper } from "cmsg-native/keeper-protocol";

export const To = ToKeeper;
export const From = { ...FromKeeper, ...FromReaper };

export const NOW = 2n ** 64n - 1n;
export const TAIL = 2n ** 64n - 2n;
export const STATUS_UNKNOWN = 2n ** 64n - 1n;
export const Flag = AttachFlags;

export interface KeeperRecord {
  kind: number;
  value: bigint;
  payload: Buffer;
}

export interface AttachOptions {
  from?: bigint;
  flags?: number;
  window?: number;
  stallMs?: number;
}

/** A record as bytes. */
export function record(kind: number, value: bigint | number = 0n, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(payload.length, 0);
  header.writeUInt16LE(kind, 4);
  header.writeBigUInt64LE(BigInt(value), 8);
  return Buffer.concat([header, payload]);
}

export class KeeperClient {
  readonly stream: UnixStream;
  /** What has come but output and typed, oldest first; `next` takes from it. */
  readonly records: KeeperRecord[] = [];
  /** Output is kept as text only while this is true. */
  keepsOutput = true;
  acknowledges = true;
  output: Buffer[] = [];
  /** The offset after the last byte of output, or undefined before the first. */
  at: bigint | undefined;
  gaps: [from: bigint, to: bigint][] = [];
  /** Output records that were not where the one before them or a gap had ended. */
  torn = 0;
  typed = 0n;
  ended = false;
  /** Called with each output record. */
  onOutput: (bytes: Buffer, offset: bigint) => void = () => undefined;
  #parts: Buffer = Buffer.alloc(0);
  #waiting = new Set<() => void>();

  constructor(stream: UnixStream) {
    this.stream = stream;
    stream.on("data", (bytes: Buffer) => this.#take(bytes));
    const end = (): void => {
      this.ended = true;
      this.#changed();
    };
    stream.on("end", end).on("close", end).on("error", end);
    stream.on("fds", (fds: number[]) => {
      for (const fd of fds) closeSync(fd);
    });
  }

  static async connect(path: string): Promise<KeeperClient> {
    const stream = UnixStream.connect({ path });
    await once(stream, "connect");
    return new KeeperClient(stream);
  }

  send(kind: number, value: bigint | number = 0n, payload?: Uint8Array): boolean {
    return this.stream.write(record(kind, value, payload));
  }

  hello(version = 1n): this {
    this.send(To.hello, version);
    return this;
  }

  attach({ from = 0n, flags = 0, window = 65_536, stallMs = 2000 }: AttachOptions = {}): this {
    const payload = Buffer.alloc(12);
    payload.writeUInt32LE(flags, 0);
    payload.writeUInt32LE(window, 4);
    payload.writeUInt32LE(stallMs, 8);
    this.send(To.attach, from, payload);
    return this;
  }

  type(text: string | Uint8Array): boolean {
    return this.send(To.input, 0, Buffer.from(text as string));
  }

  resize(columns: number, rows: number): boolean {
    return this.send(To.resize, columns | (rows << 16));
  }

  get text(): string {
    return Buffer.concat(this.output).toString("latin1");
  }

  close(): void {
    this.stream.destroy();
  }

  /** The next record of this kind, which is taken out; rejects at the end of the stream and after `timeoutMs`. */
  async next(kind: number, timeoutMs = 10_000): Promise<KeeperRecord> {
    return this.until(
      () => {
        const index = this.records.findIndex((one) => one.kind === kind);
        return index < 0 ? undefined : this.records.splice(index, 1)[0];
      },
      `a record ${nameOf(kind)}`,
      timeoutMs,
    );
  }

  async seen(pattern: RegExp, timeoutMs = 10_000): Promise<RegExpMatchArray> {
    return this.until(() => this.text.match(pattern) ?? undefined, `${pattern} in the output`, timeoutMs);
  }

  async closed(timeoutMs = 10_000): Promise<void> {
    await this.until(() => (this.ended ? true : undefined), "the end of the connection", timeoutMs);
  }

  async until<T>(look: () => T | undefined, what: string, timeoutMs = 10_000): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      const left = deadline - performance.now();
      if (this.ended || left <= 0) {
        const seen = this.records.map(({ kind, value }) => `${nameOf(kind)} ${value}`).join(", ");
        throw new Error(
          `no ${what}${this.ended ? " before the end" : ""}; records: ${seen}; output: ${this.text.slice(-200)}`,
        );
      }
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#waiting.delete(done);
          clearTimeout(timer);
          resolve();
        };
        const timer = setTimeout(done, left);
        this.#waiting.add(done);
      });
    }
  }

  #changed(): void {
    for (const done of this.#waiting) done();
  }

  #take(bytes: Buffer): void {
    this.#parts = this.#parts.length === 0 ? bytes : Buffer.concat([this.#parts, bytes]);
    let taken = 0;
    let end: bigint | undefined;
    while (this.#parts.length - taken >= 16) {
      const length = this.#parts.readUInt32LE(taken);
      if (this.#parts.length - taken < 16 + length) break;
      const kind = this.#parts.readUInt16LE(taken + 4);
      const value = this.#parts.readBigUInt64LE(taken + 8);
      const payload = this.#parts.subarray(taken + 16, taken + 16 + length);
      taken += 16 + length;
      if (kind === From.output) end = this.#takeOutput(value, payload);
      else this.#takeOther(kind, value, Buffer.from(payload));
    }
    this.#parts = this.#parts.subarray(taken);
    if (end !== undefined && this.acknowledges && !this.stream.destroyed) this.send(To.ack, end);
    this.#changed();
  }

  #takeOutput(offset: bigint, bytes: Buffer): bigint {
    if (this.at !== undefined && offset !== this.at) this.torn++;
    this.at = offset + BigInt(bytes.length);
    if (this.keepsOutput) this.output.push(Buffer.from(bytes));
    this.onOutput(bytes, offset);
    return this.at;
  }

  #takeOther(kind: number, value: bigint, payload: Buffer): void {
    if (kind === From.gap) {
      const to = payload.readBigUInt64LE(0);
      this.gaps.push([value, to]);
      if (this.at !== undefined && value !== this.at) this.torn++;
      this.at = to;
    } else if (kind === From.typed) {
      this.typed = value;
    } else {
      this.records.push({ kind, value, payload });
      // As a client has to: the keeper ends then.
      if (kind === From.exit) this.stream.end();
    }
  }
}

function nameOf(kind: number): string {
  const all = [...Object.entries(From), ...Object.entries(To)];
  return all.find(([, number]) => number === kind)?.[0] ?? String(kind);
}
