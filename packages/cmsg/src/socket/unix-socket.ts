// A Unix socket whose messages carry descriptors.
//
// Boundaries of a stream, unix(7): descriptors arrive with the first byte of the message they were sent with. Bytes sent
// earlier may be glued in front of that byte, nothing is glued behind a message with descriptors, and two of those never
// merge. So every receive hands out what one recvmsg(2) gave: bytes, and the descriptors among them. The other types
// have records: a message is what was sent.
import {
  type Credentials,
  closeQuietly,
  native,
  ReceiveOption,
  recognizeCopies,
  SHUT_WR,
  type Watcher,
  withRoom,
} from "cmsg-native";
import { addressOf, bindTo, type UnixAddress } from "../address/unix-address.js";
import { CmsgError } from "../errors.js";
import { discardAll, type Fd, numberOf, OwnedFd, taking } from "../fd/owned-fd.js";
import { type Message, type RecvmsgOptions, receiveMessage, requireBytes, requireData } from "../message/message.js";
import { checkMode } from "../options.js";
import { type ConnectOptions, connectedFd } from "./connect.js";
import { type PassOptions, peerPidfdOf, setPassing } from "./passing.js";
import { closedError, PendingOperations, WOULD_BLOCK } from "./pending.js";
import { RoomWait } from "./room-wait.js";
import { Sender, type SendOptions } from "./sender.js";
import {
  type BindOptions,
  bindSocketFile,
  discardSocketFile,
  removeSocketFile,
  type SocketFile,
} from "./socket-file.js";
import { numberOfType, type SocketType, typeOf } from "./socket-type.js";

export interface ReceiveOptions extends Omit<RecvmsgOptions, "from"> {
  signal?: AbortSignal | undefined;
}

export interface BindSocketOptions extends BindOptions, PassOptions {
  /** "datagram" by default. */
  type?: SocketType | undefined;
}

export class UnixSocket implements Disposable, AsyncIterable<Message> {
  /** "stream", "seqpacket" or "datagram". */
  readonly type: SocketType;
  readonly #owner: OwnedFd;
  readonly #file: SocketFile | undefined;
  readonly #watcher: Watcher;
  readonly #receives: PendingOperations = new PendingOperations(() => this.#watch());
  readonly #sender: Sender;
  readonly #room: RoomWait = new RoomWait(() => this.#receives.ready());

  /** @internal Takes a socket that is known to be of that type. */
  static create(owner: OwnedFd, type: SocketType): UnixSocket {
    return new UnixSocket(owner, type);
  }

  private constructor(owner: OwnedFd, type: SocketType, file?: SocketFile) {
    this.#owner = owner;
    this.type = type;
    this.#file = file;
    this.#sender = new Sender(owner.fd, () => this.#watch());
    this.#watcher = new native.Watcher(owner.fd, (readable, writable) => {
      if (readable) this.#receives.ready();
      if (writable) this.#sender.ready();
    });
  }

  /**
   * connect(2). Waits while the listener's backlog is full.
   *
   * @throws CmsgError ERR_CMSG_INVALID_ARG, ERR_CMSG_UNSUPPORTED; ENOENT, ECONNREFUSED, EACCES, EPROTOTYPE (the listener
   * is of another type) …; the signal's reason.
   */
  static async connect(address: UnixAddress, options: ConnectOptions = {}): Promise<UnixSocket> {
    return new UnixSocket(await connectedFd(address, options), options.type ?? "stream");
  }

  /**
   * bind(2): a datagram socket that others send to, the way to get answers to `sendTo`. Without an address the kernel
   * chooses an abstract name. A socket file is removed on close and when the process exits. What is bound through a path
   * of more than 108 bytes receives, but its address tells nobody where to answer.
   *
   * @throws CmsgError ERR_CMSG_INVALID_ARG, ERR_CMSG_UNSUPPORTED; EADDRINUSE, EACCES, ENOENT …, naming the path.
   */
  static async bind(address?: UnixAddress, options: BindSocketOptions = {}): Promise<UnixSocket> {
    const { type = "datagram" } = options;
    checkMode(options.mode);
    const owner = new OwnedFd(await withRoom(() => native.socket(numberOfType(type))));
    let file: SocketFile | undefined;
    try {
      setPassing(owner.fd, options);
      if (typeof address === "string") file = await bindSocketFile(owner.fd, address, options);
      else bindTo(owner.fd, address);
      return new UnixSocket(owner, type, file);
    } catch (error) {
      discardSocketFile(file);
      closeQuietly(() => owner.close());
      throw error;
    }
  }

  /**
   * socketpair(2): two ends, connected with each other. O_NONBLOCK is not set, so a program that inherits an end, or is
   * sent one, can wait in read(2). This class never blocks on it.
   *
   * @throws CmsgError ERR_CMSG_INVALID_ARG, ERR_CMSG_UNSUPPORTED; EMFILE.
   */
  static pair(type: SocketType = "stream", options: PassOptions = {}): [UnixSocket, UnixSocket] {
    const ends = native.socketpair(numberOfType(type)).map((fd) => new OwnedFd(fd));
    try {
      for (const end of ends) setPassing(end.fd, options);
      return ends.map((end) => new UnixSocket(end, type)) as [UnixSocket, UnixSocket];
    } catch (error) {
      discardAll(ends);
      throw error;
    }
  }

  /**
   * Takes a Unix socket. Its O_NONBLOCK is left as it is: other holders share it.
   *
   * @throws CmsgError ERR_CMSG_NOT_UNIX, ERR_CMSG_UNSUPPORTED, and the descriptor stays the caller's; EBADF, ENOTSOCK.
   */
  static fromFd(fd: Fd, options: PassOptions = {}): UnixSocket {
    const number = numberOf(fd);
    const type = typeOf(number);
    setPassing(number, options);
    const bound = type === "datagram" && native.getSocketName(number) !== null;
    return taking(fd, (owner) => {
      const socket = new UnixSocket(owner, type);
      if (bound) native.treatAsListener(number);
      else native.distrust(number);
      return socket;
    });
  }

  get closed(): boolean {
    return this.#owner.closed;
  }

  /** The socket's own descriptor, borrowed. Throws ERR_CMSG_CLOSED after close. */
  get fd(): number {
    return this.#owner.fd;
  }

  /** getsockname(2); undefined when it is not bound. Throws ERR_CMSG_CLOSED after close. */
  get address(): UnixAddress | undefined {
    return this.#file?.path ?? addressOf(native.getSocketName(this.#open()));
  }

  /**
   * SO_PEERCRED, fixed at connect or pair. The uid can be trusted; the pid may be somebody else's by now.
   *
   * @throws CmsgError ERR_CMSG_CLOSED
   */
  peerCredentials(): Credentials {
    return native.getPeerCredentials(this.#open());
  }

  /**
   * SO_PEERPIDFD: the process that connected or made the pair, the caller's to close; it names that process also when
   * it is gone.
   *
   * @throws CmsgError ERR_CMSG_UNSUPPORTED (before Linux 6.5), ERR_CMSG_CLOSED; ENODATA when nobody is connected, ESRCH
   * when the process is gone and the kernel is older than 6.16.
   */
  peerPidfd(): OwnedFd {
    return peerPidfdOf(this.#open());
  }

  /**
   * Sends `data` with `fds`, after everything sent before, waiting for room. The descriptors are borrowed for the call
   * only: close them as soon as `send` has returned its promise. Bytes that are still queued are borrowed until it
   * settles. A signal that ends a send of which a part is on its way closes the socket, since the peer could not tell
   * where the next message begins.
   *
   * @throws CmsgError ERR_CMSG_NO_DATA (a datagram may be empty), ERR_CMSG_FD_COUNT, ERR_CMSG_CLOSED,
   * ERR_CMSG_INVALID_ARG; EPIPE, EBADF …; EMSGSIZE: a record is larger than the socket's buffer; ETOOMANYREFS: this user
   * has more descriptors on their way than RLIMIT_NOFILE allows, nothing was sent, send again when receivers have taken
   * some; EPERM: the receiver takes none; the signal's reason.
   */
  async send(data: Uint8Array, fds: readonly Fd[] = [], options: SendOptions = {}): Promise<void> {
    this.#open();
    if (this.type === "datagram") requireBytes(data);
    else requireData(data);
    await this.#sender.send(data, fds, options, () => this.close());
  }

  /**
   * Sends a datagram to `address`, waiting for room in the queue there. Otherwise as `send`; ordered among themselves.
   *
   * @throws as `send`, and ENOENT, ECONNREFUSED (nobody has that address any more), EPERM, EPROTOTYPE.
   */
  async sendTo(
    data: Uint8Array,
    address: UnixAddress,
    fds: readonly Fd[] = [],
    options: SendOptions = {},
  ): Promise<void> {
    this.#open();
    requireBytes(data);
    await this.#sender.sendTo(data, address, fds, options);
  }

  /**
   * The next bytes or record, with the descriptors that came beside it, or null when the peer has closed (a datagram
   * socket never ends). The message's descriptors are the caller's; disposing of the message closes those still in it.
   *
   * @throws CmsgError ERR_CMSG_TRUNCATED: descriptors are lost, so a stream, which is out of step, is closed;
   * ERR_CMSG_DATA_TRUNCATED, ERR_CMSG_FD_COUNT, ERR_CMSG_CLOSED, ERR_CMSG_INVALID_ARG; EMFILE: this process has too
   * many files open for the message's descriptors, which waits until some are closed; ECONNRESET …; the signal's reason.
   */
  async receive({ signal, ...limits }: ReceiveOptions = {}): Promise<Message | null> {
    const socket = this.#open();
    const name = this.type === "datagram" ? ReceiveOption.wantName : 0;
    const attempt = (): Message | null | typeof WOULD_BLOCK => {
      const message = this.#room.attempt(() => receiveMessage(socket, limits, name));
      if (message === undefined || message === WOULD_BLOCK) return WOULD_BLOCK;
      return this.#isEnd(message) ? null : message;
    };
    try {
      return await this.#receives.run({ attempt }, signal);
    } catch (error) {
      if (this.type === "stream" && error instanceof CmsgError && error.code === "ERR_CMSG_TRUNCATED") this.close();
      throw error;
    }
  }

  // An empty record looks the same, unless it carries something. A stream has none, and its end comes with credentials of
  // nobody (pid, uid and gid 0) where they were asked for.
  #isEnd(message: Message): boolean {
    const empty = message.data.length === 0 && message.fds.length === 0;
    return empty && (this.type === "stream" || (this.type === "seqpacket" && message.credentials === undefined));
  }

  /** The messages until the peer closes, or this end is closed. Leaving the loop leaves the socket open. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, void> {
    while (!this.closed) {
      const message = await this.receive().catch((error: unknown) => {
        if (this.closed && error instanceof CmsgError && error.code === "ERR_CMSG_CLOSED") return null;
        throw error;
      });
      if (!message) return;
      yield message;
    }
  }

  /**
   * shutdown(2) SHUT_WR: the peer sees the end after what was sent; receiving goes on.
   *
   * @throws CmsgError ERR_CMSG_CLOSED; ENOTCONN.
   */
  end(): void {
    native.shutdown(this.#open(), SHUT_WR);
  }

  /** Lets the process end while this socket waits. */
  unref(): this {
    this.#watcher.setRef(false);
    this.#sender.setRef(false);
    this.#room.setRef(false);
    return this;
  }

  ref(): this {
    this.#watcher.setRef(true);
    this.#sender.setRef(true);
    this.#room.setRef(true);
    return this;
  }

  /**
   * Ends what waits with ERR_CMSG_CLOSED, removes the socket file and closes, on a thread: `closed()` waits for that. Of a
   * bound datagram socket the name is free when this returns, unless the close takes more than 5 ms to begin. A second
   * call does nothing.
   */
  close(): void {
    if (this.closed) return;
    this.#stop();
    try {
      if (this.#file) removeSocketFile(this.#file);
    } finally {
      this.#failAll();
      closeQuietly(() => this.#owner.close());
    }
  }

  /**
   * Gives the socket's descriptor to the caller, who closes it from now on: for `UnixStream.connect({fd})`, say. What
   * waits ends with ERR_CMSG_CLOSED; a socket file stays until the process exits. O_NONBLOCK is set on a socket that
   * `connect`, `bind` or `UnixServer.accept` made, and is not on an end of `pair`; `fromFd` leaves it as it was. A program
   * that reads the descriptor with read(2) may have to clear it.
   *
   * @throws CmsgError ERR_CMSG_CLOSED
   */
  release(): number {
    this.#open();
    this.#stop();
    const fd = this.#owner.release();
    this.#failAll();
    return fd;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #stop(): void {
    this.#watcher.close();
    this.#sender.stop();
    this.#room.stop();
  }

  #failAll(): void {
    this.#receives.failAll(closedError("socket"));
    this.#sender.failAll(closedError("socket"));
  }

  #open(): number {
    if (this.closed) throw closedError("socket");
    return this.#owner.fd;
  }

  #watch(): void {
    if (!this.closed) this.#watcher.watch(this.#receives.waiting && !this.#room.waiting, this.#sender.waiting);
  }
}
recognizeCopies(UnixSocket, "cmsg.UnixSocket");
