// The socket of one launch: it takes the one console that the runtime command sends, and can tell that none came. The pid
// file lies beside it.
import { join } from "node:path";
import { type OwnedFd, UnixServer, UnixSocket } from "cmsg";
import { closeQuietly, native } from "cmsg-native";
import { PtyConsole } from "../console/pty-console.js";
import type { PtyConsoleOptions } from "../console/pty-console-options.js";
import { ConsoleSocketError } from "../errors.js";
import { receiveMaster } from "../receive/receive-console.js";
import { type PrivatePlace, privatePlace } from "../receive/socket-place.js";

export interface Delivery {
  terminal: PtyConsole;
  /** The console's own. */
  master: OwnedFd;
  /** The session leader that has the terminal now: 0 when none has it, or when the console has ended. */
  leader: () => number;
}

// runc writes the first and renames it to the second: who looks in this order misses neither.
const PID_FILES = [".pid", "pid"];

export class LaunchSocket implements Disposable {
  readonly #server: UnixServer;
  readonly #place: PrivatePlace;
  readonly #done: Promise<Delivery | undefined>;
  readonly #closing: AbortController = new AbortController();
  #delivery: Delivery | undefined;
  #kept = false;

  private constructor(server: UnixServer, place: PrivatePlace, options: PtyConsoleOptions) {
    this.#server = server;
    this.#place = place;
    this.#done = this.#receive(options);
    this.#done.catch(() => undefined);
  }

  static async open(options: PtyConsoleOptions): Promise<LaunchSocket> {
    // A private directory: nobody but this user and root gets at the socket.
    const place = privatePlace(PID_FILES);
    let server: UnixServer | undefined;
    try {
      server = await UnixServer.listen(place.address, { mode: 0o600 });
      return new LaunchSocket(server, place, options);
    } catch (error) {
      closeQuietly(() => server?.close());
      place.remove();
      throw error;
    }
  }

  get path(): string {
    return this.#server.path;
  }

  /** Where the runtime is to write the container's pid. */
  get pidFile(): string {
    return join(this.#place.directory, "pid");
  }

  /**
   * What was delivered before this call, for when the runtime has ended: undefined when it did not connect, or closed
   * without a message. Connections are accepted in their order, so one of our own marks the end.
   *
   * @throws what refuses a console: ConsoleSocketError, CmsgError.
   */
  async take(): Promise<Delivery | undefined> {
    using _mark = await UnixSocket.connect(this.path);
    return this.#done;
  }

  /** The console is somebody's. */
  keep(): void {
    this.#kept = true;
  }

  /** Hangs up a console that nobody keeps. */
  [Symbol.dispose](): void {
    // A socket file that stays is no reason to lose a container that was launched.
    closeQuietly(() => this.#server.close());
    this.#closing.abort();
    this.#place.remove();
    if (!this.#kept) this.#delivery?.terminal.destroy();
  }

  async #receive(options: PtyConsoleOptions): Promise<Delivery | undefined> {
    let refusal: unknown;
    for await (const connection of this.#server) {
      using _connection = connection;
      const peer = connection.peerCredentials();
      if (peer.pid === process.pid) break;
      try {
        this.#delivery ??= await receive(connection, { ...options, peer }, this.#closing.signal);
      } catch (error) {
        if (!(error instanceof ConsoleSocketError && error.code === "ERR_CONSOLE_NONE")) refusal ??= error;
      }
    }
    if (!this.#delivery && refusal) throw refusal;
    return this.#delivery;
  }
}

// The master stays here, borrowed from the console, to be asked whose terminal it is.
async function receive(connection: UnixSocket, options: PtyConsoleOptions, signal: AbortSignal): Promise<Delivery> {
  const limits = { ...options, signal, silentPeerTimeoutMs: Number.POSITIVE_INFINITY };
  const { name, master, size } = await receiveMaster(connection, limits);
  const terminal = PtyConsole.create(master, size, { ...options, name });
  // The container can cause an error while the runtime's command runs, before launch() has given the console to anyone.
  terminal.on("error", () => undefined);
  return { terminal, master, leader: () => (master.closed ? 0 : native.getSessionLeader(master.fd)) };
}
