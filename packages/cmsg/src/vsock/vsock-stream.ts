// A connected AF_VSOCK socket as a Node stream: net.Socket takes none.
import { native, SHUT_WR, type VsockAddress, type Watcher } from "cmsg-native";
import { isSyscallError } from "../errors.js";
import { closeReceived, type OwnedFd } from "../fd/owned-fd.js";
import { closedError } from "../socket/pending.js";
import { SocketStream } from "../stream/socket-stream.js";
import { StreamReader } from "../stream/stream-reader.js";
import { StreamWriter } from "../stream/stream-writer.js";

/**
 * As `net.Socket`, beyond a Duplex: 'timeout' with `setTimeout`. The writing side ends when the peer's has.
 *
 * Errors: what sendmsg(2) and recvmsg(2) say: EPIPE, ECONNRESET (the peer's machine or hypervisor is gone) …
 */
export class VsockStream extends SocketStream {
  /** The address of the other side. */
  readonly peer: VsockAddress;
  readonly #owner: OwnedFd;
  readonly #watcher: Watcher;
  readonly #reader: StreamReader;
  readonly #writer: StreamWriter;

  /** Use `connect()`, or `VsockServer.accept()`. Takes a connected socket. */
  constructor(owner: OwnedFd) {
    super({});
    this.peer = native.vsockPeer(owner.fd);
    this.#owner = owner;
    this.#reader = new StreamReader(owner.fd, this.#sink());
    this.#writer = new StreamWriter(
      () => this.#watch(),
      (bytes) => this.sent(bytes),
    );
    this.#writer.open(owner.fd);
    this.#watcher = new native.Watcher(owner.fd, (readable, writable) => {
      if (readable) this.#reader.ready();
      if (writable) this.#writer.ready();
      this.#watch();
    });
  }

  get connecting(): boolean {
    return false;
  }

  /** The socket's own descriptor, borrowed. Throws ERR_CMSG_CLOSED once it is closed. */
  get fd(): number {
    if (this.destroyed) throw closedError("stream");
    return this.#owner.fd;
  }

  /** Lets the process end while this stream waits. */
  unref(): this {
    return this.#setRef(false);
  }

  ref(): this {
    return this.#setRef(true);
  }

  override _read(): void {
    this.#reader.want();
    this.#watch();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#writer.start([chunk], callback);
  }

  override _writev(chunks: { chunk: Buffer }[], callback: (error?: Error | null) => void): void {
    this.#writer.start(
      chunks.map(({ chunk }) => chunk),
      callback,
    );
  }

  override _final(callback: (error?: Error | null) => void): void {
    try {
      native.shutdown(this.#owner.fd, SHUT_WR);
      callback();
    } catch (error) {
      // The peer is gone, and needs no end.
      callback(isSyscallError(error, "ENOTCONN") ? null : (error as Error));
    }
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#writer.stop();
    this.#reader.stop();
    this.#watcher.close();
    this.#owner.close();
    super._destroy(error, callback);
  }

  #sink() {
    const stream = this;
    return {
      get readableLength(): number {
        return stream.readableLength;
      },
      received: (bytes: number) => this.received(bytes),
      // The family carries no descriptors.
      deliver: (data: Buffer, fds: number[]) => {
        closeReceived(fds);
        return this.push(data);
      },
      end: () => this.push(null),
      fail: (error: unknown) => this.destroy(error as Error),
    };
  }

  #watch(): void {
    if (!this.destroyed) this.#watcher.watch(this.#reader.waiting, this.#writer.waiting);
  }

  #setRef(ref: boolean): this {
    this.#watcher.setRef(ref);
    this.#writer.setRef(ref);
    return this;
  }
}
