// A listening socket's descriptor: who waits for connections, and the end. How it came to listen is each family's own.
import { setTimeout as delay } from "node:timers/promises";
import { closeQuietly, native, type Watcher } from "cmsg-native";
import { OwnedFd } from "../fd/owned-fd.js";
import { closedError, PendingOperations, WOULD_BLOCK } from "./pending.js";
import { RoomWait } from "./room-wait.js";

// Out of descriptors, memory or watches: the connection waits in the backlog, and no event tells when there is room.
const RETRY_MS = 50;
const OUT_OF_RESOURCES = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ENOSPC"]);

export abstract class SocketServer<Connection> implements Disposable, AsyncIterable<Connection> {
  readonly #owner: OwnedFd;
  readonly #watcher: Watcher;
  readonly #accepts: PendingOperations = new PendingOperations(() => this.#watch());
  readonly #closing: AbortController = new AbortController();
  #ref = true;
  readonly #room: RoomWait = new RoomWait(() => this.#accepts.ready());

  /** Takes a listening socket; when this throws, it is the caller's again. */
  protected constructor(owner: OwnedFd) {
    this.#owner = owner;
    this.#watcher = new native.Watcher(owner.fd, () => this.#accepts.ready());
    native.treatAsListener(owner.fd);
  }

  /** Takes a connection; when this throws, it is the caller's again. */
  protected abstract connectionOf(owner: OwnedFd): Connection;

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#owner.closed;
  }

  /** The listening socket's own descriptor, borrowed. Throws ERR_CMSG_CLOSED after close. */
  get fd(): number {
    return this.#owner.fd;
  }

  /**
   * The next connection, the caller's to end. While no further descriptor can be closed, because every closing thread of
   * the process hangs, connections wait in the backlog; diagnostics_channel `cmsg:full` and `cmsg:free` tell.
   *
   * @throws CmsgError ERR_CMSG_CLOSED; EMFILE, ENFILE (the connection stays queued); the signal's reason.
   */
  async accept({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<Connection> {
    if (this.closed) throw closedError("server");
    return this.#accepts.run({ attempt: () => this.#acceptNow() }, signal);
  }

  /**
   * Connections until the server is closed. Leaving the loop leaves it listening. While this process has no descriptor or
   * memory for the next connection (EMFILE, ENFILE, ENOMEM), that one waits in the backlog and the loop goes on later.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Connection, void, void> {
    while (!this.closed) {
      const connection = await this.accept().catch(async (error: NodeJS.ErrnoException) => {
        if (this.closed) return undefined;
        if (!OUT_OF_RESOURCES.has(error.code ?? "")) throw error;
        await this.#retryTime();
        return undefined;
      });
      if (connection) yield connection;
    }
  }

  /** Lets the process end while this server waits. */
  unref(): this {
    this.#ref = false;
    this.#watcher.setRef(false);
    this.#room.setRef(false);
    return this;
  }

  ref(): this {
    this.#ref = true;
    this.#watcher.setRef(true);
    this.#room.setRef(true);
    return this;
  }

  /**
   * Ends what waits with ERR_CMSG_CLOSED, and closes on a thread. Connections stay open. The name is free when this returns,
   * unless the close takes more than 5 ms to begin.
   */
  close(): void {
    if (this.closed) return;
    this.#room.stop();
    this.#watcher.close();
    closeQuietly(() => this.#owner.close());
    this.#accepts.failAll(closedError("server"));
    this.#closing.abort();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #acceptNow(): Connection | typeof WOULD_BLOCK {
    // A connection that could not be closed again is not accepted.
    const full = !this.#room.waiting && native.closerIsFull();
    const fd = full ? this.#room.wait() : this.#room.attempt(() => native.accept(this.#owner.fd));
    if (fd === WOULD_BLOCK || fd < 0) return WOULD_BLOCK;
    const owner = new OwnedFd(fd);
    try {
      return this.connectionOf(owner);
    } catch (error) {
      closeQuietly(() => owner.close());
      throw error;
    }
  }

  // close() ends it.
  async #retryTime(): Promise<void> {
    await delay(RETRY_MS, undefined, { ref: this.#ref, signal: this.#closing.signal }).catch(() => undefined);
  }

  #watch(): void {
    if (!this.closed) this.#watcher.watch(this.#accepts.waiting && !this.#room.waiting, false);
  }
}
