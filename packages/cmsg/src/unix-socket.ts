// A connected Unix stream socket whose messages carry descriptors.
//
// Boundaries, unix(7): descriptors arrive with the first byte of the message they were sent with. Bytes sent earlier may
// be glued in front of that byte, nothing is glued behind a message with descriptors, and two of those never merge. So
// every receive hands out what one recvmsg(2) gave: bytes, and the descriptors among them.
import { setTimeout as delay } from "node:timers/promises";
import { AF_UNIX, type Credentials, native, SHUT_WR, SO_DOMAIN, SO_TYPE, SOCK_STREAM, type Watcher } from "cmsg-native";
import { addressText, sunPath, type UnixAddress } from "./address.js";
import { CmsgError, naming } from "./errors.js";
import { closeAll, type Message, recvmsg, requireData, rightsToSend } from "./message.js";
import { type Fd, OwnedFd } from "./owned-fd.js";
import { closedError, PendingOperations, WOULD_BLOCK } from "./pending.js";

export interface ReceiveOptions {
  /** More descriptors than this are refused: ERR_CMSG_FD_COUNT. 253 by default, the kernel's limit. */
  maxFds?: number;
  /** At most this many bytes; 64 KiB by default. */
  length?: number;
  signal?: AbortSignal | undefined;
}

// How long to wait before asking again whether a full backlog has room: the kernel has no event for it.
const BACKLOG_RETRY_MS = 10;

export class UnixSocket implements Disposable, AsyncIterable<Message> {
  readonly #owner: OwnedFd;
  readonly #watcher: Watcher;
  readonly #receives: PendingOperations = new PendingOperations(() => this.#watch());
  readonly #sends: PendingOperations = new PendingOperations(() => this.#watch());

  private constructor(owner: OwnedFd) {
    this.#owner = owner;
    this.#watcher = new native.Watcher(owner.fd, (readable, writable) => {
      if (readable) this.#receives.ready();
      if (writable) this.#sends.ready();
    });
  }

  /**
   * connect(2). Waits while the listener's backlog is full.
   *
   * @throws CmsgError ERR_CMSG_INVALID_ARG; ENOENT, ECONNREFUSED, EACCES, EPROTOTYPE …; the signal's reason.
   */
  static async connect(
    address: UnixAddress,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<UnixSocket> {
    signal?.throwIfAborted();
    const path = sunPath(address);
    const owner = new OwnedFd(native.socket(SOCK_STREAM));
    try {
      while (!naming(addressText(address), () => native.connect(owner.fd, path))) {
        await delay(BACKLOG_RETRY_MS, undefined, { signal });
      }
      return new UnixSocket(owner);
    } catch (error) {
      owner.close();
      signal?.throwIfAborted();
      throw error;
    }
  }

  /** socketpair(2): two ends, connected with each other. */
  static pair(): [UnixSocket, UnixSocket] {
    const [one, other] = native.socketpair(SOCK_STREAM);
    return [new UnixSocket(new OwnedFd(one)), new UnixSocket(new OwnedFd(other))];
  }

  /**
   * Takes a connected Unix stream socket. Its O_NONBLOCK is left as it is: other holders share it.
   *
   * @throws CmsgError ERR_CMSG_NOT_UNIX, and the descriptor stays the caller's; EBADF, ENOTSOCK.
   */
  static fromFd(fd: Fd): UnixSocket {
    const number = typeof fd === "number" ? fd : fd.fd;
    const domain = native.getSocketOption(number, SO_DOMAIN);
    const type = native.getSocketOption(number, SO_TYPE);
    if (domain !== AF_UNIX || type !== SOCK_STREAM) {
      throw new CmsgError(
        "ERR_CMSG_NOT_UNIX",
        `Expected a Unix stream socket (domain ${AF_UNIX}, type ${SOCK_STREAM}); descriptor ${number} has domain ` +
          `${domain}, type ${type}.`,
      );
    }
    return new UnixSocket(typeof fd === "number" ? new OwnedFd(fd) : fd);
  }

  get closed(): boolean {
    return this.#owner.closed;
  }

  /** The socket's own descriptor, borrowed. Throws ERR_CMSG_CLOSED after close. */
  get fd(): number {
    return this.#owner.fd;
  }

  /** SO_PEERCRED, fixed at connect or pair. The uid can be trusted; the pid may be somebody else's by now. */
  peerCredentials(): Credentials {
    return native.getPeerCredentials(this.#open());
  }

  /**
   * Sends `data` with `fds`, after everything sent before, waiting for room. The descriptors are borrowed for the call
   * only: close them as soon as `send` has returned its promise. Bytes that are still queued are borrowed until it
   * settles. A signal that ends a send of which a part is on its way closes the socket, since the peer could not tell
   * where the next message begins.
   *
   * @throws CmsgError ERR_CMSG_NO_DATA, ERR_CMSG_FD_COUNT, ERR_CMSG_CLOSED, ERR_CMSG_INVALID_ARG; EPIPE, EBADF,
   * ETOOMANYREFS …; the signal's reason.
   */
  async send(
    data: Uint8Array,
    fds: readonly Fd[] = [],
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    const socket = this.#open();
    requireData(data);
    let rights: number[] | undefined = rightsToSend(fds);
    let offset = 0;
    const attempt = (): undefined | typeof WOULD_BLOCK => {
      while (offset < data.length) {
        const sent = native.sendmsg(socket, offset === 0 ? data : data.subarray(offset), rights);
        if (sent < 0) return WOULD_BLOCK;
        // They travelled with the first byte; a second time would be a second set.
        rights = undefined;
        offset += sent;
      }
      return undefined;
    };
    if (!this.#sends.waiting && !signal?.aborted && attempt() !== WOULD_BLOCK) return;
    const copies = (rights ?? []).length > 0 ? duplicates(fds) : [];
    if (rights) rights = copies.map((copy) => copy.fd);
    await this.#sends.run(
      {
        attempt,
        finish: () => closeAll(copies),
        aborted: () => {
          if (offset > 0) this.close();
        },
      },
      signal,
    );
  }

  /**
   * The next bytes, with the descriptors that came beside them, or null when the peer has closed. The message's
   * descriptors are the caller's; disposing of the message closes those still in it.
   *
   * @throws CmsgError ERR_CMSG_TRUNCATED: descriptors are lost and the stream is out of step, so the socket is closed;
   * ERR_CMSG_FD_COUNT, ERR_CMSG_CLOSED, ERR_CMSG_INVALID_ARG; ECONNRESET …; the signal's reason.
   */
  async receive({ signal, ...limits }: ReceiveOptions = {}): Promise<Message | null> {
    const socket = this.#open();
    const attempt = (): Message | null | typeof WOULD_BLOCK => {
      const message = recvmsg(socket, limits);
      if (message === undefined) return WOULD_BLOCK;
      return message.data.length === 0 ? null : message;
    };
    try {
      return await this.#receives.run({ attempt }, signal);
    } catch (error) {
      if (error instanceof CmsgError && error.code === "ERR_CMSG_TRUNCATED") this.close();
      throw error;
    }
  }

  /** The messages until the peer closes. Leaving the loop leaves the socket open. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, void> {
    for (let message = await this.receive(); message; message = await this.receive()) yield message;
  }

  /** shutdown(2) SHUT_WR: the peer sees the end after what was sent; receiving goes on. */
  end(): void {
    native.shutdown(this.#open(), SHUT_WR);
  }

  /** Lets the process end while this socket waits. */
  unref(): this {
    this.#watcher.setRef(false);
    return this;
  }

  ref(): this {
    this.#watcher.setRef(true);
    return this;
  }

  /** Ends what waits with ERR_CMSG_CLOSED, and closes. A second call does nothing. */
  close(): void {
    if (this.closed) return;
    this.#watcher.close();
    this.#owner.close();
    this.#receives.failAll(closedError("socket"));
    this.#sends.failAll(closedError("socket"));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(): number {
    if (this.closed) throw closedError("socket");
    return this.#owner.fd;
  }

  #watch(): void {
    if (!this.closed) this.#watcher.watch(this.#receives.waiting, this.#sends.waiting);
  }
}

function duplicates(fds: readonly Fd[]): OwnedFd[] {
  const copies: OwnedFd[] = [];
  try {
    for (const fd of fds) copies.push(new OwnedFd(native.dup(typeof fd === "number" ? fd : fd.fd)));
    return copies;
  } catch (error) {
    closeAll(copies);
    throw error;
  }
}
