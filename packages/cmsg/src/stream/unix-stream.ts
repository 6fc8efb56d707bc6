// A Unix stream socket as a Node stream, which goes where a net.Socket goes, and carries descriptors beside the bytes.
//
// Boundaries are a stream's: plain bytes may arrive in other pieces than they were written in, also glued in front of
// those that carry descriptors. 'fds' is emitted when all earlier chunks have been consumed, and the next chunk is what one
// recvmsg(2) delivered with the descriptors: the first byte of their message is in it, maybe not at its beginning.
import { addAbortSignal, type DuplexOptions } from "node:stream";
import { type Credentials, callApart, closeQuietly, native } from "cmsg-native";
import { addressOf, addressText, type UnixAddress } from "../address/unix-address.js";
import { CmsgError, isSyscallError } from "../errors.js";
import { closeReceived, type Fd, numberOf, type OwnedFd, taking } from "../fd/owned-fd.js";
import { checkCount, requireData } from "../message/message.js";
import { checkHighWaterMark, checks } from "../options.js";
import { connectedFd } from "../socket/connect.js";
import { typeOf } from "../socket/socket-type.js";
import { DescriptorStream } from "./descriptor-stream.js";

export interface UnixStreamOptions extends Pick<DuplexOptions, "allowHalfOpen" | "signal"> {
  /** Number of received bytes that wait before reading stops, from 0 to 2147483647 (default: Duplex's). */
  readableHighWaterMark?: number | undefined;
  /** Number of written bytes that wait before `write` returns false, from 0 to 2147483647 (default: Duplex's). */
  writableHighWaterMark?: number | undefined;
}

/** Where to: an address to connect to, or a connected stream socket's descriptor, which is taken. */
export type UnixStreamTarget = { path: UnixAddress; fd?: undefined } | { fd: Fd; path?: undefined };

type Done = (error?: Error | null) => void;

/**
 * Events, besides a Duplex's: 'connect' and 'ready' once connected; 'timeout' (`setTimeout`); 'fds' with a `number[]`
 * just before the chunk that one recvmsg(2) delivered with them: the listener takes the descriptors and closes them.
 * Without a listener they are closed. The first byte of their message is in that chunk. Bytes that were sent earlier can
 * stand before it, but none of a later message follow in it: the bytes themselves must say which of them has descriptors.
 *
 * Errors: what connect(2), sendmsg(2) and recvmsg(2) say (ENOENT, ECONNREFUSED, EPIPE, ECONNRESET …); EMFILE: this
 * process has no numbers left for the descriptors of the next message; CmsgError ERR_CMSG_TRUNCATED,
 * ERR_CMSG_INVALID_ARG (the address).
 */
export class UnixStream extends DescriptorStream {
  readonly #target: { path: UnixAddress } | { fd: OwnedFd };
  readonly #abort: AbortController = new AbortController();
  #owesDrain = false;

  private constructor(target: { path: UnixAddress } | { fd: OwnedFd }, options: UnixStreamOptions) {
    super(options);
    this.#target = target;
  }

  /**
   * Connects to `path`, or takes the connected socket `fd`; 'connect' tells when it is done, and what is written before
   * then waits. `allowHalfOpen` is false by default, as in net: the writing side ends when the peer's has.
   *
   * @throws CmsgError ERR_CMSG_NOT_UNIX (`fd` is no Unix stream socket), ERR_CMSG_INVALID_ARG (an option, `onConnect`);
   * EBADF, ENOTSOCK. Then `fd` stays the caller's.
   */
  static connect(options: UnixStreamTarget & UnixStreamOptions, onConnect?: () => void): UnixStream {
    const { path, fd, signal, ...rest } = options;
    checks.abortSignal(signal);
    checks.callback("onConnect", onConnect);
    checkHighWaterMark("readableHighWaterMark", rest.readableHighWaterMark);
    checkHighWaterMark("writableHighWaterMark", rest.writableHighWaterMark);
    const start = (target: { path: UnixAddress } | { fd: OwnedFd }): UnixStream => {
      const stream = new UnixStream(target, rest);
      if (onConnect) stream.once("connect", onConnect);
      if (signal) addAbortSignal(signal, stream);
      return stream;
    };
    if (fd === undefined) return start({ path: path as UnixAddress });
    requireStream(numberOf(fd));
    // Now and not when it is used, in a later turn: a Worker may end in between.
    return taking(fd, (owner) => {
      native.distrust(owner.fd);
      return start({ fd: owner });
    });
  }

  /** As `net.Socket`'s: true before it is connected, and after it is closed. */
  get pending(): boolean {
    return this.connecting || this.destroyed;
  }

  /** getsockname(2): `{path}`, `{abstract}`, or `{}` when it is not bound, as a client's is not, or has no socket. */
  address(): { path?: string; abstract?: string } {
    const own = this.pending ? undefined : addressOf(native.getSocketName(this.fd));
    return typeof own === "string" ? { path: own } : { ...own };
  }

  /** getpeername(2), as command lines write it: a path, or `@name`; undefined while it has no socket. */
  get remoteAddress(): string | undefined {
    const peer = this.pending ? undefined : addressOf(native.getPeerName(this.fd));
    return peer === undefined ? undefined : addressText(peer);
  }

  /**
   * SO_PEERCRED, fixed at connect. The uid can be trusted; the pid may be somebody else's by now.
   *
   * @throws CmsgError ERR_CMSG_CLOSED while it is not connected.
   */
  peerCredentials(): Credentials {
    return native.getPeerCredentials(this.fd);
  }

  /**
   * Writes `bytes`, the first of which carries `fds`. The descriptors are borrowed for the call only; the bytes are
   * borrowed until they are sent.
   *
   *     const log = openSync("/var/log/box.log", "a");
   *     if (!stream.writeWithFds(Buffer.from("log"), [log])) await once(stream, "drain");
   *     closeSync(log);
   *
   * @returns what `write()` returns: false when it is time to wait for 'drain'. That is sooner than for bytes alone: as
   * soon as one has to wait, since each that waits has a descriptor open.
   * @throws CmsgError ERR_CMSG_NO_DATA, ERR_CMSG_FD_COUNT (more than 253), ERR_CMSG_INVALID_ARG, ERR_CMSG_CLOSED (a
   * closed OwnedFd); EBADF, EMFILE: nothing is sent and the stream goes on.
   */
  writeWithFds(bytes: Uint8Array, fds: readonly Fd[]): boolean {
    checkCount(fds);
    requireData(bytes);
    // A stream that has ended reports it as write() does.
    if (fds.length === 0 || !this.writable) return this.write(bytes);
    const sent = this.#isIdle() ? this.#sendNow(bytes, fds) : 0;
    if (sent === 0) return this.#queueWithFds(bytes, fds);
    // The descriptors travelled with the first byte.
    if (sent < bytes.length) return this.write(bytes.subarray(sent));
    return true;
  }

  override destroy(error?: Error): this {
    // What waits for a full backlog has to end before a stream under construction can.
    this.#abort.abort();
    return super.destroy(error);
  }

  /** @internal */
  override _construct(callback: Done): void {
    const connected = this.#connect().then((owner) => this.#start(owner));
    connected.then(
      () => {
        callback();
        process.nextTick(() => this.#announce());
      },
      (error: Error) => callback(this.#abort.signal.aborted ? null : error),
    );
  }

  /** @internal */
  override _write(chunk: Buffer, encoding: BufferEncoding, callback: Done): void {
    super._write(chunk, encoding, this.#thenDrain(callback));
  }

  /** @internal */
  override _writev(chunks: { chunk: Buffer }[], callback: Done): void {
    super._writev(chunks, this.#thenDrain(callback));
  }

  protected override deliver(data: Buffer, fds: number[]): boolean {
    if (fds.length === 0) return this.give(data);
    if (this.listenerCount("fds") === 0) {
      closeReceived(fds);
      return this.give(data);
    }
    for (const fd of fds) native.disown(fd);
    // The bytes have come, whatever a listener makes of its descriptors. An exception of one must not reach _read() either,
    // where the Readable would take it for the socket's failure.
    callApart(() => this.emit("fds", fds));
    return this.give(data);
  }

  async #connect(): Promise<OwnedFd> {
    if ("fd" in this.#target) return this.#target.fd;
    return connectedFd(this.#target.path, { signal: this.#abort.signal });
  }

  #start(owner: OwnedFd): void {
    try {
      this.open(owner);
    } catch (error) {
      closeQuietly(() => owner.close());
      throw error;
    }
  }

  #announce(): void {
    if (this.destroyed) return;
    this.emit("connect");
    this.emit("ready");
    // As net.Socket does: the end is noticed also when nobody reads yet.
    if (!this.destroyed && !this.isPaused()) this.read(0);
  }

  #thenDrain(callback: Done): Done {
    return this.#owesDrain ? (error) => this.#written(callback, error) : callback;
  }

  #written(callback: Done, error?: Error | null): void {
    const needsDrain = this.writableNeedDrain;
    callApart(() => callback(error));
    if (error || !this.#owesDrain || this.writableLength > 0) return;
    this.#owesDrain = false;
    // Past its mark the Writable tells by itself.
    if (needsDrain) return;
    process.nextTick(() => {
      if (!this.destroyed) this.emit("drain");
    });
  }

  #isIdle(): boolean {
    return !this.connecting && this.writableLength === 0 && this.writableCorked === 0;
  }

  /** Sends what the socket has room for, past the queue, which is empty. @returns the number of bytes sent. */
  #sendNow(bytes: Uint8Array, fds: readonly Fd[]): number {
    try {
      return this.writer.sendNow(bytes, fds);
    } catch (error) {
      // The descriptors' fault is the caller's to know; the socket's is the stream's end.
      if (isSyscallError(error, "EBADF") || error instanceof CmsgError) throw error;
      this.destroy(error as Error);
      return 0;
    }
  }

  #queueWithFds(bytes: Uint8Array, fds: readonly Fd[]): boolean {
    // #sendNow failed, and 'error' reports it. Copies of the descriptors would wait for ever.
    if (this.destroyed) return false;
    // The writer finds the descriptors by this object, so the same bytes can be written twice.
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.writer.attach(chunk, fds);
    // Before write(), which sends at once, and completes, when there is room again.
    this.#owesDrain = true;
    this.write(chunk);
    return false;
  }
}

function requireStream(fd: number): void {
  const type = typeOf(fd);
  if (type === "stream") return;
  throw new CmsgError("ERR_CMSG_NOT_UNIX", `Expected a Unix stream socket; descriptor ${fd} is a ${type} one.`);
}
