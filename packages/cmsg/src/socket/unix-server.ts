// A listening Unix socket.
import { closeQuietly, native, SOCK_SEQPACKET, SOCK_STREAM, withRoom } from "cmsg-native";
import { addressOf, addressText, bindTo, checkAddress, type UnixAddress } from "../address/unix-address.js";
import { type Fd, numberOf, OwnedFd, taking } from "../fd/owned-fd.js";
import { checkBacklog, checkMode, checks } from "../options.js";
import { requireListening } from "./listening.js";
import { type PassOptions, setPassing } from "./passing.js";
import { bindSocketFile, discardSocketFile, removeSocketFile, type SocketFile } from "./socket-file.js";
import { SocketServer } from "./socket-server.js";
import { numberOfType, type SocketType, typeOf } from "./socket-type.js";
import { UnixSocket } from "./unix-socket.js";

export interface ListenOptions extends PassOptions {
  /** "stream" by default, or "seqpacket". */
  type?: Exclude<SocketType, "datagram"> | undefined;
  /**
   * Permissions of the socket file, from 0 to 0o7777, whatever the umask (default 0o777 less the umask). 0o600 lets only
   * this user and root connect. At no moment is the file more open. What the umask took needs /proc to be given back.
   */
  mode?: number | undefined;
  /**
   * Replace a socket file at the path when it belongs to this user and no process has its socket open any more, as a
   * killed process leaves it. A live socket, another user's, or another kind of file is EADDRINUSE in any case.
   */
  replaceStale?: boolean | undefined;
  /**
   * Number of connections that the kernel holds until they are accepted, listen(2): from 0, which holds one, to 2147483647
   * (default 511, as in Node's net). The kernel lowers it to net.core.somaxconn.
   */
  backlog?: number | undefined;
}

export class UnixServer extends SocketServer<UnixSocket> {
  readonly #file: SocketFile | undefined;
  /** The absolute path, or `@name` for an abstract one. */
  readonly path: string;

  readonly #type: SocketType;

  private constructor(owner: OwnedFd, type: SocketType, path: string, file: SocketFile | undefined) {
    super(owner);
    this.#type = type;
    this.path = path;
    this.#file = file;
  }

  /**
   * bind(2) and listen(2). The socket file is removed on close and when the process exits; by a signal's handler if the
   * program has one that calls `close()` or `process.exit()`.
   *
   * @throws CmsgError ERR_CMSG_INVALID_ARG, ERR_CMSG_UNSUPPORTED; EADDRINUSE, EACCES, ENOENT, EROFS …, naming the path.
   */
  static async listen(address: UnixAddress, options: ListenOptions = {}): Promise<UnixServer> {
    checkAddress(address);
    const { type = "stream", backlog = 511 } = options;
    checks.oneOf("type", type, ["stream", "seqpacket"]);
    checkBacklog(backlog);
    checkMode(options.mode);
    const owner = new OwnedFd(await withRoom(() => native.socket(numberOfType(type))));
    let file: SocketFile | undefined;
    try {
      setPassing(owner.fd, options);
      if (typeof address === "string") file = await bindSocketFile(owner.fd, address, options);
      else bindTo(owner.fd, address);
      native.listen(owner.fd, backlog);
      return new UnixServer(owner, type, file?.path ?? addressText(address), file);
    } catch (error) {
      discardSocketFile(file);
      closeQuietly(() => owner.close());
      throw error;
    }
  }

  /**
   * Takes a socket that listens already, as systemd or a predecessor hands it on. Its file stays on close: it is not
   * this server's. It is made non-blocking, for everyone who shares it: accept(2) has no flag for one call, and a
   * connection that another process took in between would stop this one.
   *
   * @throws CmsgError ERR_CMSG_NOT_LISTENING (it is no socket, a datagram socket, or one that does not listen),
   * ERR_CMSG_NOT_UNIX, ERR_CMSG_UNSUPPORTED, and the descriptor stays the caller's; EBADF.
   */
  static fromFd(fd: Fd, options: PassOptions = {}): UnixServer {
    const number = numberOf(fd);
    requireListening(number, [SOCK_STREAM, SOCK_SEQPACKET]);
    const type = typeOf(number);
    setPassing(number, options);
    native.setNonBlocking(number);
    const address = addressOf(native.getSocketName(number));
    const path = address === undefined ? "" : addressText(address);
    return taking(fd, (owner) => new UnixServer(owner, type, path, undefined));
  }

  /** Ends what waits with ERR_CMSG_CLOSED, removes the socket file and closes. Connections stay open. */
  override close(): void {
    if (this.closed) return;
    try {
      if (this.#file) removeSocketFile(this.#file);
    } finally {
      super.close();
    }
  }

  protected override connectionOf(owner: OwnedFd): UnixSocket {
    // accept(2) gives sockets of the listener's own type: no need to ask each one.
    return UnixSocket.create(owner, this.#type);
  }
}
