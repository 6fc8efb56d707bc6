// A connected socket's descriptor as a Duplex: bytes in and out, half-close, waiting, and the end. What connects it, and
// what descriptors beside the bytes become, is each family's own.
import { callApart, closeQuietly, native, SHUT_WR, type Watcher } from "cmsg-native";
import { CmsgError, isSyscallError } from "../errors.js";
import type { OwnedFd } from "../fd/owned-fd.js";
import { closedError } from "../socket/pending.js";
import { SocketStream } from "./socket-stream.js";
import { StreamReader } from "./stream-reader.js";
import { StreamWriter } from "./stream-writer.js";

type Done = (error?: Error | null) => void;

/** What there is once there is a socket. */
interface Connection {
  owner: OwnedFd;
  watcher: Watcher;
  reader: StreamReader;
}

export abstract class DescriptorStream extends SocketStream {
  protected readonly writer: StreamWriter = new StreamWriter(
    () => this.#watch(),
    (bytes) => this.sent(bytes),
  );
  #connection: Connection | undefined;
  #ref = true;

  /** Hands on what arrived, `fds` with `data`'s first byte. False when no more is wanted for now. */
  protected abstract deliver(data: Buffer, fds: number[]): boolean;

  /**
   * As `push`: false when no more is wanted for now. An exception of a 'data' listener is an uncaught one, and the stream
   * goes on.
   */
  protected give(data: Buffer | null): boolean {
    return callApart(() => this.push(data)) ?? this.readableLength < this.readableHighWaterMark;
  }

  /** Whether it is not connected yet. */
  get connecting(): boolean {
    return this.#connection === undefined && !this.destroyed;
  }

  /** The socket's own descriptor, borrowed. Throws ERR_CMSG_CLOSED while there is none. */
  get fd(): number {
    if (this.destroyed) throw closedError("stream");
    if (!this.#connection)
      throw new CmsgError("ERR_CMSG_CLOSED", "This stream is not connected yet: wait for 'connect'.");
    return this.#connection.owner.fd;
  }

  /** Lets the process end while this stream waits. */
  unref(): this {
    return this.#setRef(false);
  }

  ref(): this {
    return this.#setRef(true);
  }

  /** Takes a connected socket; when this throws, it is the caller's again. */
  protected open(owner: OwnedFd): void {
    const watcher = new native.Watcher(owner.fd, (readable, writable) => {
      if (readable) this.#receive();
      if (writable) this.writer.ready();
    });
    watcher.setRef(this.#ref);
    this.writer.open(owner.fd);
    const reader = new StreamReader(owner.fd, this.#sink());
    reader.setRef(this.#ref);
    this.#connection = { owner, watcher, reader };
  }

  override read(size?: number): unknown {
    const chunk = super.read(size);
    const reader = this.#connection?.reader;
    // After the caller had the bytes that stood before.
    if (reader?.holds && this.readableLength === 0) process.nextTick(() => this.#deliverHeld(reader));
    return chunk;
  }

  /** @internal */
  override _read(): void {
    this.#connection?.reader.want();
    this.#watch();
  }

  /** @internal */
  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Done): void {
    this.writer.start([chunk], callback);
  }

  /** @internal */
  override _writev(chunks: { chunk: Buffer }[], callback: Done): void {
    this.writer.start(
      chunks.map(({ chunk }) => chunk),
      callback,
    );
  }

  /** @internal */
  override _final(callback: Done): void {
    try {
      native.shutdown(this.fd, SHUT_WR);
    } catch (error) {
      // The peer is gone, and needs no end.
      if (!isSyscallError(error, "ENOTCONN")) {
        callback(error as Error);
        return;
      }
    }
    callback();
  }

  /** @internal */
  override _destroy(error: Error | null, callback: Done): void {
    this.writer.stop();
    const connection = this.#connection;
    connection?.reader.stop();
    connection?.watcher.close();
    closeQuietly(() => connection?.owner.close());
    super._destroy(error, callback);
  }

  #sink() {
    const stream = this;
    return {
      get readableLength(): number {
        return stream.readableLength;
      },
      received: (bytes: number) => this.received(bytes),
      deliver: (data: Buffer, fds: number[]) => this.deliver(data, fds),
      end: () => void this.give(null),
      roomAgain: () => this.#receive(),
      fail: (error: unknown) => this.destroy(error as Error),
    };
  }

  #receive(): void {
    this.#connection?.reader.ready();
    this.#watch();
  }

  #deliverHeld(reader: StreamReader): void {
    if (this.destroyed) return;
    reader.deliverHeld();
    this.#watch();
  }

  #watch(): void {
    if (!this.#connection || this.destroyed) return;
    try {
      this.#connection.watcher.watch(this.#connection.reader.waiting, this.writer.waiting);
    } catch (error) {
      // Nothing would tell of bytes, or of room for them.
      this.destroy(error as Error);
    }
  }

  #setRef(ref: boolean): this {
    this.#ref = ref;
    this.#connection?.watcher.setRef(ref);
    this.#connection?.reader.setRef(ref);
    this.writer.setRef(ref);
    return this;
  }
}
