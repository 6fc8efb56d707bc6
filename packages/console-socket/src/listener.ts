// A socket on which runtimes deliver consoles.
import { EventEmitter } from "node:events";
import { type UnixAddress, UnixServer, type UnixSocket } from "cmsg";
import type { Credentials } from "cmsg-native";
import { debug } from "./debug.js";
import { ConsoleSocketError } from "./errors.js";
import type { PtyConsole } from "./pty-console.js";
import { type ReceiveConsoleOptions, receiveConsole } from "./receive-console.js";
import { socketPath } from "./socket-path.js";
import { checkWindowSize } from "./window-size.js";

export interface ConsoleListenerOptions extends Omit<ReceiveConsoleOptions, "signal"> {
  /** Users that may deliver besides root and this process's own: SO_PEERCRED. `"any"` asks nobody. */
  allowUids?: readonly number[] | "any" | undefined;
}

export interface Refusal {
  /** CmsgError, ConsoleSocketError, or a system call's error. */
  error: Error;
  peer: Credentials | undefined;
}

interface Waiter {
  resolve: (console: PtyConsole) => void;
  reject: (error: unknown) => void;
}

// How long to leave connections queued when this process has no descriptor for them: no event tells when one is free.
const DESCRIPTOR_RETRY_MS = 50;

/**
 * Receives the consoles of whatever connects, each as soon as it comes. A connection that brings none is refused with a
 * 'refused' event, and receiving goes on. One listener per container tells whose console it is: nothing else does.
 *
 * Events: `'refused'` ({error, peer}), `'close'`.
 */
export class ConsoleListener
  extends EventEmitter<{ refused: [Refusal]; close: [] }>
  implements AsyncIterable<PtyConsole>, Disposable
{
  readonly #server: UnixServer;
  readonly #options: ConsoleListenerOptions;
  readonly #closing: AbortController = new AbortController();
  readonly #removeDirectory: () => void;
  readonly #waiters: Waiter[] = [];
  readonly #ready: PtyConsole[] = [];

  /** Use `listen()`. */
  constructor(server: UnixServer, options: ConsoleListenerOptions, removeDirectory: () => void) {
    super();
    this.#server = server;
    this.#options = options;
    this.#removeDirectory = removeDirectory;
    void this.#receiveAll();
  }

  /** What to give a runtime as --console-socket: an absolute path, or `@name`. */
  get path(): string {
    return this.#server.path;
  }

  get closed(): boolean {
    return this.#server.closed;
  }

  /**
   * The next console, the caller's to end.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_CLOSED; the signal's reason.
   */
  accept({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<PtyConsole> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const console = this.#ready.shift();
      if (console) return resolve(console);
      if (this.closed) return reject(closed());
      const onAbort = (): void => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(signal?.reason);
      };
      const settled = (): void => signal?.removeEventListener("abort", onAbort);
      const waiter: Waiter = {
        resolve: (console) => {
          settled();
          resolve(console);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      signal?.addEventListener("abort", onAbort);
      this.#waiters.push(waiter);
    });
  }

  /** Consoles until the listener is closed. Leaving the loop leaves it listening. */
  async *[Symbol.asyncIterator](): AsyncGenerator<PtyConsole, void, void> {
    for (;;) {
      const console = await this.accept().catch((error: unknown) => {
        if (this.closed) return undefined;
        throw error;
      });
      if (!console) return;
      yield console;
    }
  }

  /** Stops listening and removes the socket. Consoles that nobody accepted are hung up; the others live on. */
  close(): void {
    if (this.closed) return;
    this.#server.close();
    this.#closing.abort(closed());
    this.#removeDirectory();
    for (const console of this.#ready.splice(0)) console.destroy();
    for (const waiter of this.#waiters.splice(0)) waiter.reject(closed());
    debug("closed %s", this.path);
    this.emit("close");
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #receiveAll(): Promise<void> {
    while (!this.closed) {
      try {
        void this.#receive(await this.#server.accept());
      } catch (error) {
        if (this.closed) return;
        // EMFILE and its kin: the connection, and the console in it, wait in the backlog.
        debug("cannot accept on %s yet: %s", this.path, (error as Error).message);
        await new Promise((resolve) => setTimeout(resolve, DESCRIPTOR_RETRY_MS));
      }
    }
  }

  async #receive(connection: UnixSocket): Promise<void> {
    let peer: Credentials | undefined;
    try {
      peer = connection.peerCredentials();
      this.#checkPeer(connection, peer);
      this.#deliver(await receiveConsole(connection, { ...this.#options, signal: this.#closing.signal }));
    } catch (error) {
      if (!this.closed) this.#refuse(error as Error, peer);
    }
  }

  #checkPeer(connection: UnixSocket, { uid }: Credentials): void {
    const { allowUids = [] } = this.#options;
    if (allowUids === "any" || uid === 0 || uid === process.geteuid?.() || allowUids.includes(uid)) return;
    connection.close();
    throw new ConsoleSocketError(
      "ERR_CONSOLE_PEER",
      `Expected a peer of uid ${process.geteuid?.()} or root; this one has uid ${uid}. allowUids lets others in.`,
    );
  }

  #deliver(console: PtyConsole): void {
    debug("received a console on %s from pid %d, uid %d", this.path, console.peer?.pid, console.peer?.uid);
    if (this.closed) {
      console.destroy();
      return;
    }
    const waiter = this.#waiters.shift();
    if (waiter) waiter.resolve(console);
    else this.#ready.push(console);
  }

  #refuse(error: Error, peer: Credentials | undefined): void {
    debug("refused on %s: %s", this.path, error.message);
    this.emit("refused", { error, peer });
  }
}

/**
 * Listens for consoles. With a path, on a socket that only this user and root can connect to (mode 0600), replacing a
 * stale socket file of one's own; without one, on a socket in a private directory of its own. `{abstract: name}` leaves
 * no file. The library installs no signal handlers: on a signal, call `close()`.
 *
 * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG (a path of more than 107 bytes, which runtimes cannot take; a bad
 * size); EADDRINUSE, EACCES, ENOENT …, naming the path.
 */
export async function listen(address?: UnixAddress, options: ConsoleListenerOptions = {}): Promise<ConsoleListener> {
  if (options.initialSize) checkWindowSize(options.initialSize);
  const place = socketPath(address);
  try {
    const server = await UnixServer.listen(place.address, { mode: 0o600, replaceStale: true });
    debug("listening on %s", server.path);
    return new ConsoleListener(server, options, place.remove);
  } catch (error) {
    place.remove();
    throw error;
  }
}

function closed(): ConsoleSocketError {
  return new ConsoleSocketError("ERR_CONSOLE_CLOSED", "This listener is closed.");
}
