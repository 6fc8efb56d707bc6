// What net.Socket has beside a Duplex, so that a stream can stand where one is expected.
import { Duplex, type DuplexOptions } from "node:stream";
import { MAX_TIME_MS } from "cmsg-native";
import { checks } from "../options.js";

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

  /**
   * Emits 'timeout' after `timeoutMs` milliseconds without a byte in either direction, as `net.Socket`'s does: 0 (the
   * default) turns it off and removes `onTimeout`, fractions are allowed, and more than 2147483647 becomes 2147483647 with
   * a TimeoutOverflowWarning. The timer does not keep the process alive. On a destroyed stream it does nothing.
   *
   * @throws CmsgError ERR_CMSG_INVALID_ARG, where `net.Socket` throws ERR_OUT_OF_RANGE or ERR_INVALID_ARG_TYPE: NaN,
   * Infinity, a negative number, no number, no function.
   */
  setTimeout(timeoutMs: number, onTimeout?: () => void): this {
    if (this.destroyed) return this;
    if (typeof timeoutMs !== "number" || !Number.isFinite(timeoutMs) || timeoutMs < 0)
      throw checks.refusal("timeoutMs", "a number of milliseconds from 0, which is never, to 2147483647", timeoutMs);
    checks.callback("onTimeout", onTimeout);
    this.timeout = timeoutMs;
    clearTimeout(this.#timer);
    this.#timer = timeoutMs > 0 ? setTimeout(() => this.emit("timeout"), capped(timeoutMs)).unref() : undefined;
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

  /** @internal */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    callback(error);
  }
}

function capped(timeoutMs: number): number {
  if (timeoutMs <= MAX_TIME_MS) return timeoutMs;
  process.emitWarning(`setTimeout was asked for ${timeoutMs} ms and waits ${MAX_TIME_MS} ms, the maximum.`, {
    type: "TimeoutOverflowWarning",
  });
  return MAX_TIME_MS;
}
