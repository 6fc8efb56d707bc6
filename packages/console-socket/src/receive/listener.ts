// A socket on which runtimes deliver consoles.
import { EventEmitter } from "node:events";
import { OwnedFd, type UnixAddress, UnixServer } from "cmsg";
import { type ConsoleEvent, type Credentials, callApart, closeQuietly } from "cmsg-native";
import type { PtyConsole } from "../console/pty-console.js";
import { publish } from "../diagnostics.js";
import { ConsoleSocketError } from "../errors.js";
import { checks, checkUids } from "../options.js";
import { AcceptQueue } from "./accept-queue.js";
import { checkReceiveOptions, consoleOf, type ReceiveConsoleOptions, receiveFrom } from "./receive-console.js";
import { Reception } from "./reception.js";
import { socketPath } from "./socket-place.js";

export interface ConsoleListenerOptions extends Omit<ReceiveConsoleOptions, "signal"> {
  /**
   * Users that may deliver besides root and this process's own (SO_PEERCRED), each from 0 to 4294967294; `"any"` lets every
   * user deliver.
   */
  allowUids?: readonly number[] | "any" | undefined;
  /**
   * Maximum number of connected peers that have not sent a console yet, from 1 to 2147483647 (default 256). Further peers
   * wait in the listen backlog.
   */
  maxPending?: number | undefined;
}

export interface Refusal {
  /** CmsgError, ConsoleSocketError, or a system call's error. */
  error: Error;
  peer: Credentials | undefined;
}

const DEFAULT_MAX_PENDING = 256;
// How long to leave connections queued when this process has no descriptor for them: no event tells when one is free.
const DESCRIPTOR_RETRY_MS = 50;
// Out of descriptors, memory or watches: the connection, and the console in it, wait in the backlog. After other errors
// it is lost.
const LEAVE_IT_QUEUED = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ENOSPC"]);

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
  readonly #consoles: AcceptQueue<PtyConsole> = new AcceptQueue();
  readonly #reception: Reception;
  #retryTimer: NodeJS.Timeout | undefined;

  /** @internal Use `listen()`. */
  constructor(server: UnixServer, options: ConsoleListenerOptions, removeDirectory: () => void) {
    super();
    this.#server = server;
    this.#options = options;
    this.#removeDirectory = removeDirectory;
    const { allowUids = [], maxPending = DEFAULT_MAX_PENDING } = options;
    const uids = allowUids === "any" ? undefined : allowUids;
    this.#reception = new Reception({ ...options, maxPending, uids }, (event) => this.#accepted(event));
    publish("listen", server.fd, { path: server.path });
    this.#reception.listen(server.fd);
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
   * @throws ConsoleSocketError ERR_CONSOLE_CLOSED, ERR_CONSOLE_INVALID_ARG; the signal's reason.
   */
  async accept({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<PtyConsole> {
    checks.abortSignal(signal);
    if (this.closed) throw closed();
    return this.#consoles.take(signal);
  }

  /** Consoles until the listener is closed. Leaving the loop leaves it listening. */
  async *[Symbol.asyncIterator](): AsyncGenerator<PtyConsole, void, void> {
    while (!this.closed) {
      const terminal = await this.accept().catch((error: unknown) => {
        if (this.closed) return undefined;
        throw error;
      });
      if (terminal) yield terminal;
    }
  }

  /** Stops listening and removes the socket. Consoles that nobody accepted are hung up; the others live on. */
  close(): void {
    if (this.closed) return;
    this.#reception.close();
    clearTimeout(this.#retryTimer);
    try {
      this.#server.close();
    } finally {
      this.#closing.abort(closed());
      this.#removeDirectory();
      for (const terminal of this.#consoles.end(closed())) terminal.destroy();
      this.emit("close");
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #accepted(event: ConsoleEvent): void {
    const { connection, error } = event;
    if (connection !== undefined) {
      void this.#receive(new OwnedFd(connection, { untrusted: true }), event);
      return;
    }
    if (!LEAVE_IT_QUEUED.has((error as NodeJS.ErrnoException).code ?? "")) this.#refuse(error as Error, undefined);
    if (!this.closed) this.#retryTimer = setTimeout(() => this.#reception.accept(), DESCRIPTOR_RETRY_MS);
  }

  async #receive(connection: OwnedFd, event: ConsoleEvent): Promise<void> {
    const { peer, allowed, error } = event;
    try {
      if (error || !peer) throw error;
      publish("connect", connection.fd, { path: this.path, peer });
      if (!allowed) throw strangePeer(peer);
      const limits = { silentPeerTimeoutMs: this.#options.silentPeerTimeoutMs, signal: this.#closing.signal };
      const received = await receiveFrom(this.#reception, connection.fd, limits, event);
      this.#deliver(consoleOf(received, peer, this.#options));
    } catch (error) {
      if (!this.closed) this.#refuse(error as Error, peer);
    } finally {
      closeQuietly(() => connection.close());
    }
  }

  #deliver(terminal: PtyConsole): void {
    // Nobody can listen for its errors before it is handed out, and its sender can cause one (ERR_CONSOLE_TAMPERED): it
    // must not end the process. Who gets it sees it destroyed, and its `errored`.
    terminal.on("error", () => undefined);
    if (this.closed) terminal.destroy();
    else this.#consoles.give(terminal);
  }

  #refuse(error: Error, peer: Credentials | undefined): void {
    publish("refuse", this.#server.fd, { path: this.path, peer, error });
    // Of a listener that throws: receiving goes on.
    callApart(() => this.emit("refused", { error, peer }));
  }
}

/**
 * Listens for consoles. With a path, on a socket that only this user and root can connect to (mode 0600), replacing a
 * stale socket file of one's own; without one, on a socket in a private directory of its own. `{abstract: name}` leaves
 * no file. The library installs no signal handlers: on a signal, call `close()`.
 *
 *     using listener = await listen("/run/console.sock");
 *     listener.on("refused", ({ error }) => console.error(error.message));
 *     for await (const terminal of listener) terminal.pipe(process.stdout, { end: false });
 *
 * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG (a path of more than 107 bytes, which runtimes cannot take; a bad
 * size, number or policy); EADDRINUSE, EACCES, ENOENT …, naming the path.
 */
export async function listen(address?: UnixAddress, options: ConsoleListenerOptions = {}): Promise<ConsoleListener> {
  const { allowUids = [], maxPending = 1 } = options;
  checkReceiveOptions(options);
  checkUids("allowUids", allowUids);
  checks.whole("maxPending", maxPending, { min: 1, unit: "peers" });
  const place = socketPath(address);
  let server: UnixServer | undefined;
  try {
    server = await UnixServer.listen(place.address, { mode: 0o600, replaceStale: true });
    return new ConsoleListener(server, options, place.remove);
  } catch (error) {
    closeQuietly(() => server?.close());
    place.remove();
    throw error;
  }
}

function strangePeer({ uid }: Credentials): ConsoleSocketError {
  return new ConsoleSocketError(
    "ERR_CONSOLE_PEER",
    `Expected a peer of uid ${process.geteuid?.()} or root; this one has uid ${uid}. allowUids lets others in.`,
  );
}

function closed(): ConsoleSocketError {
  return new ConsoleSocketError("ERR_CONSOLE_CLOSED", "This listener is closed.");
}
