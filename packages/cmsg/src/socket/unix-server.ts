// A listening Unix socket.
import { native, type Watcher } from "cmsg-native";
import { CmsgError } from "../errors.js";
import { type Fd, numberOf, OwnedFd, taking } from "../fd/owned-fd.js";
import { addressOf, addressText, bindTo, checkAddress, type UnixAddress } from "./address.js";
import { type PassOptions, setPassing } from "./passing.js";
import { closedError, PendingOperations, WOULD_BLOCK } from "./pending.js";
import { bindSocketFile, removeSocketFile, type SocketFile } from "./socket-file.js";
import { numberOfType, type SocketType, typeOf } from "./socket-type.js";
import { UnixSocket } from "./unix-socket.js";

export interface ListenOptions extends PassOptions {
  /** "stream" by default, or "seqpacket". */
  type?: Exclude<SocketType, "datagram"> | undefined;
  /** Permissions of the socket file, less the umask: 0o600 lets only this user (and root) connect. */
  mode?: number;
  /**
   * Replace a socket file at the path when it belongs to this user and no process has its socket open any more, as a
   * killed process leaves it. A live socket, another user's, or another kind of file is EADDRINUSE in any case.
   */
  replaceStale?: boolean;
  /** How many connections the kernel holds until they are accepted: listen(2). 511 by default, as in Node's net. */
  backlog?: number;
}

const SO_ACCEPTCONN = 30;

export class UnixServer implements Disposable, AsyncIterable<UnixSocket> {
  readonly #owner: OwnedFd;
  readonly #watcher: Watcher;
  readonly #file: SocketFile | undefined;
  readonly #accepts: PendingOperations = new PendingOperations(() => this.#watch());
  /** The absolute path, or `@name` for an abstract one. */
  readonly path: string;

  private constructor(owner: OwnedFd, path: string, file: SocketFile | undefined) {
    this.#owner = owner;
    this.path = path;
    this.#file = file;
    this.#watcher = new native.Watcher(owner.fd, () => this.#accepts.ready());
  }

  /**
   * bind(2) and listen(2). The socket file is removed on close and when the process exits; by a signal's handler if the
   * program has one that calls `close()` or `process.exit()`.
   *
   * @throws CmsgError ERR_CMSG_INVALID_ARG, ERR_CMSG_UNSUPPORTED; EADDRINUSE, EACCES, ENOENT, EROFS …, naming the path.
   */
  static async listen(address: UnixAddress, options: ListenOptions = {}): Promise<UnixServer> {
    checkAddress(address);
    const owner = new OwnedFd(native.socket(numberOfType(options.type ?? "stream")));
    let file: SocketFile | undefined;
    try {
      setPassing(owner.fd, options);
      if (typeof address === "string") file = await bindSocketFile(owner.fd, address, options);
      else bindTo(owner.fd, address);
      native.listen(owner.fd, options.backlog ?? 511);
      return new UnixServer(owner, file?.path ?? addressText(address), file);
    } catch (error) {
      if (file) removeSocketFile(file);
      owner.close();
      throw error;
    }
  }

  /**
   * Takes a socket that listens already, as systemd or a predecessor hands it on. Its file stays on close: it is not
   * this server's. It is made non-blocking, for everyone who shares it: accept(2) has no flag for one call, and a
   * connection that another process took in between would stop this one.
   *
   * @throws CmsgError ERR_CMSG_NOT_UNIX, ERR_CMSG_INVALID_ARG (it does not listen), ERR_CMSG_UNSUPPORTED, and the
   * descriptor stays the caller's; EBADF, ENOTSOCK.
   */
  static fromFd(fd: Fd, options: PassOptions = {}): UnixServer {
    const number = numberOf(fd);
    typeOf(number);
    if (native.getSocketOption(number, SO_ACCEPTCONN) === 0) {
      throw new CmsgError("ERR_CMSG_INVALID_ARG", `Descriptor ${number} is a socket that does not listen.`);
    }
    setPassing(number, options);
    native.setNonBlocking(number);
    const address = addressOf(native.getSocketName(number));
    const path = address === undefined ? "" : addressText(address);
    return taking(fd, (owner) => new UnixServer(owner, path, undefined));
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#owner.closed;
  }

  /** The listening socket's own descriptor, borrowed. Throws ERR_CMSG_CLOSED after close. */
  get fd(): number {
    return this.#owner.fd;
  }

  /**
   * The next connection, the caller's to close.
   *
   * @throws CmsgError ERR_CMSG_CLOSED; EMFILE, ENFILE (the connection stays queued); the signal's reason.
   */
  async accept({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<UnixSocket> {
    if (this.closed) throw closedError("server");
    const listener = this.#owner.fd;
    const attempt = (): UnixSocket | typeof WOULD_BLOCK => {
      const fd = native.accept(listener);
      return fd < 0 ? WOULD_BLOCK : connectionOf(new OwnedFd(fd));
    };
    return this.#accepts.run({ attempt }, signal);
  }

  /** Connections until the server is closed. Leaving the loop leaves it listening. */
  async *[Symbol.asyncIterator](): AsyncGenerator<UnixSocket, void, void> {
    while (!this.closed) {
      const connection = await this.accept().catch((error: unknown) => {
        if (this.closed) return undefined;
        throw error;
      });
      if (connection) yield connection;
    }
  }

  /** Lets the process end while this server waits. */
  unref(): this {
    this.#watcher.setRef(false);
    return this;
  }

  ref(): this {
    this.#watcher.setRef(true);
    return this;
  }

  /** Ends what waits with ERR_CMSG_CLOSED, removes the socket file and closes. Connections stay open. */
  close(): void {
    if (this.closed) return;
    this.#watcher.close();
    try {
      if (this.#file) removeSocketFile(this.#file);
    } finally {
      this.#accepts.failAll(closedError("server"));
      this.#owner.close();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #watch(): void {
    if (!this.closed) this.#watcher.watch(this.#accepts.waiting, false);
  }
}

function connectionOf(fd: OwnedFd): UnixSocket {
  try {
    return UnixSocket.fromFd(fd);
  } catch (error) {
    fd.close();
    throw error;
  }
}
