// What net.Socket has beside a Duplex, so that a stream can stand where one is expected.
import { Duplex, type DuplexOptions } from "node:stream";

/** The part of `UnixStream` that is as `net.Socket`'s. */
export abstract class SocketStream extends Duplex {
  /** Bytes received so far. */
  bytesRead = 0;
  /** Bytes sent so far. */
  bytesWritten = 0;
  /** As set with `setTimeout`; undefined before. */
  timeout: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DuplexOptions) {
    super({ allowHalfOpen: false, ...options, decodeStrings: true, objectMode: false });
  }

  /** Whether it is not connected yet. */
  abstract get connecting(): boolean;

  /** "opening", "open", "readOnly", "writeOnly" or "closed". */
  get readyState(): "opening" | "open" | "readOnly" | "writeOnly" | "closed" {
    if (this.connecting) return "opening";
    if (this.readable) return this.writable ? "open" : "readOnly";
    return this.writable ? "writeOnly" : "closed";
  }

  /** 'timeout' after so long without a byte in either direction; 0 (the default): never. It holds no event loop. */
  setTimeout(timeoutMs: number, onTimeout?: () => void): this {
    this.timeout = timeoutMs;
    clearTimeout(this.#timer);
    this.#timer = timeoutMs > 0 ? setTimeout(() => this.emit("timeout"), timeoutMs).unref() : undefined;
    if (onTimeout && timeoutMs > 0) this.once("timeout", onTimeout);
    else if (onTimeout) this.removeListener("timeout", onTimeout);
    return this;
  }

  /** For callers that treat every stream as TCP's: a Unix socket delays nothing. */
  setNoDelay(): this {
    return this;
  }

  /** For callers that treat every stream as TCP's: a Unix socket notices at once when its peer is gone. */
  setKeepAlive(): this {
    return this;
  }

  /** Ends, and is destroyed when everything is written. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  protected received(bytes: number): void {
    this.bytesRead += bytes;
    this.#timer?.refresh();
  }

  protected sent(bytes: number): void {
    this.bytesWritten += bytes;
    this.#timer?.refresh();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    callback(error);
  }
}
