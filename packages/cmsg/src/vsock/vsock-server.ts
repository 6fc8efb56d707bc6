// A listening AF_VSOCK socket.
import { native, type VsockAddress, type Watcher } from "cmsg-native";
import { OwnedFd } from "../fd/owned-fd.js";
import { closedError, PendingOperations, WOULD_BLOCK } from "../socket/pending.js";
import { CID_ANY, checkVsockAddress, explaining, PORT_ANY } from "./address.js";
import { VsockStream } from "./vsock-stream.js";

export interface VsockListenOptions {
  /** Which of this machine's CIDs; all of them by default. */
  cid?: number | undefined;
  /** One that is free by default. Below 1024 it takes CAP_NET_BIND_SERVICE. */
  port?: number | undefined;
  /** How many connections the kernel holds until they are accepted: listen(2). 511 by default, as in Node's net. */
  backlog?: number | undefined;
}

export class VsockServer implements Disposable, AsyncIterable<VsockStream> {
  readonly #owner: OwnedFd;
  readonly #watcher: Watcher;
  readonly #accepts: PendingOperations = new PendingOperations(() => this.#watch());
  /** What it is bound to. */
  readonly address: VsockAddress;

  /** Use `listen()`. Takes a listening socket. */
  constructor(owner: OwnedFd) {
    this.#owner = owner;
    this.address = native.vsockName(owner.fd);
    this.#watcher = new native.Watcher(owner.fd, () => this.#accepts.ready());
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#owner.closed;
  }

  /**
   * The next connection, the caller's to destroy.
   *
   * @throws CmsgError ERR_CMSG_CLOSED; EMFILE, ENFILE (the connection stays queued); the signal's reason.
   */
  async accept({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<VsockStream> {
    if (this.closed) throw closedError("server");
    const attempt = (): OwnedFd | typeof WOULD_BLOCK => {
      const fd = native.accept(this.#owner.fd);
      return fd < 0 ? WOULD_BLOCK : new OwnedFd(fd);
    };
    const owner = await this.#accepts.run({ attempt }, signal);
    try {
      return new VsockStream(owner);
    } catch (error) {
      owner.close();
      throw error;
    }
  }

  /** Connections until the server is closed. Leaving the loop leaves it listening. */
  async *[Symbol.asyncIterator](): AsyncGenerator<VsockStream, void, void> {
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

  /** Ends what waits with ERR_CMSG_CLOSED, and closes. Connections stay open. */
  close(): void {
    if (this.closed) return;
    this.#watcher.close();
    this.#owner.close();
    this.#accepts.failAll(closedError("server"));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #watch(): void {
    if (!this.closed) this.#watcher.watch(this.#accepts.waiting, false);
  }
}

/**
 * bind(2) and listen(2).
 *
 * @throws CmsgError ERR_CMSG_INVALID_ARG; EAFNOSUPPORT: the kernel has no AF_VSOCK; EADDRNOTAVAIL: the CID is not this
 * machine's; EADDRINUSE, EACCES.
 */
export async function listen({
  cid = CID_ANY,
  port = PORT_ANY,
  backlog = 511,
}: VsockListenOptions = {}): Promise<VsockServer> {
  const address = { cid, port };
  checkVsockAddress(address);
  const owner = new OwnedFd(explaining(address, () => native.vsockSocket()));
  try {
    explaining(address, () => native.vsockBind(owner.fd, cid, port));
    native.listen(owner.fd, backlog);
    return new VsockServer(owner);
  } catch (error) {
    owner.close();
    throw error;
  }
}
