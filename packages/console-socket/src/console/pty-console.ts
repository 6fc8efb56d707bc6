// A console over the master (ptmx) of a pseudo-terminal, as a Duplex; and the rules of its end.
import { type Fd, OwnedFd } from "cmsg";
import type { Credentials } from "cmsg-native";
import { ConsoleSocketError } from "../errors.js";
import { checkFd, checks } from "../options.js";
import { watchExit, watchPromise } from "../process/watch-exit.js";
import { ConsoleBase } from "./console-base.js";
import { prepareMaster } from "./master.js";
import { PtyChannel } from "./pty-channel.js";
import { checkConsoleOptions, type EndAfterOptions, type PtyConsoleOptions } from "./pty-console-options.js";
import type { WindowSize } from "./window-size.js";

// More than a terminal that nobody writes to can still hold in the kernel.
const MAX_LEFT_BYTES = 256 * 1024;

interface PendingWrite {
  rest: Uint8Array;
  done: (error?: Error | null) => void;
}

export class PtyConsole extends ConsoleBase {
  readonly name: string;
  /** Who delivered it, where that is known: the runtime's parent, as a rule. Its uid can be trusted. */
  readonly peer: Credentials | undefined;
  readonly #channel: PtyChannel;
  readonly #onHangup: "end" | "wait";
  #pendingWrite: PendingWrite | undefined;
  // Somebody wants more than is here: set by _read, until push has enough.
  #wanted = false;
  #hungUp = false;
  #processEnded = false;
  #drainTimer: NodeJS.Timeout | undefined;
  #stopWatchingProcess: () => void = () => undefined;

  /**
   * @internal As `fromFd`, for what was received: judged, with its size now, and with options that were checked. Takes
   * `master`, and closes it when this throws.
   */
  static create(
    master: OwnedFd,
    size: WindowSize,
    options: Pick<PtyConsoleOptions, "name" | "peer" | "onHangup">,
  ): PtyConsole {
    try {
      return new PtyConsole(master, size, options);
    } catch (error) {
      master.close();
      throw error;
    }
  }

  private constructor(
    master: OwnedFd,
    size: WindowSize,
    { name = "", peer, onHangup = "end" }: Pick<PtyConsoleOptions, "name" | "peer" | "onHangup">,
  ) {
    super();
    this.name = name;
    this.peer = peer;
    this.#onHangup = onHangup;
    this.#channel = new PtyChannel(master, size, (readable, writable) => {
      if (writable) this.#continueWriting();
      if (readable) this.#readReady();
    });
  }

  /**
   * Takes a PTY's master and sets O_NONBLOCK on it.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_NOT_A_PTY, ERR_CONSOLE_TAMPERED, ERR_CONSOLE_INVALID_ARG, and the descriptor
   * stays the caller's; CmsgError ERR_CMSG_CLOSED; EBADF.
   */
  static fromFd(fd: Fd, options: PtyConsoleOptions = {}): PtyConsole {
    checkConsoleOptions(options);
    const size = prepareMaster(checkFd("fd", fd), options);
    return new PtyConsole(typeof fd === "number" ? new OwnedFd(fd) : fd, size, options);
  }

  /** The window size now; after the end, the last one. */
  get size(): WindowSize {
    return this.#channel.size;
  }

  /**
   * TIOCSWINSZ. After the end it does nothing: a window does not ask first whether the program still runs.
   *
   * @param columns from 1 to 65535, as `rows`
   * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG
   */
  resize(columns: number, rows: number): void {
    this.#channel.resize({ columns: checks.cells("columns", columns), rows: checks.cells("rows", rows) });
  }

  /**
   * Whether the terminal turns the program's newlines into CR LF (ONLCR in c_oflag, termios(3)). On by default, as the
   * program's runtime left it. Turn it off when the bytes go to a file, or to a terminal that does it again. A terminal
   * that is so already is left alone. Changing it is a tcgetattr and a tcsetattr, since the kernel takes settings only as
   * a whole: a change by the program in between, such as to raw mode, is undone. Before the program starts nobody is there
   * to change it.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_CLOSED
   */
  setOnlcr(on: boolean): void {
    this.#channel.setOnlcr(on);
  }

  /**
   * Joins the console's end to its process: when that has ended, the console ends with its hangup, or, where a child left
   * in the background keeps the terminal, once `drainTimeoutMs` have passed and what the terminal then holds is read.
   * A further call replaces the process and the time of the one before.
   *
   * @param exited a promise that settles when the process has ended, or its pidfd, borrowed
   * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG; CmsgError ERR_CMSG_CLOSED, ERR_CMSG_NOT_PIDFD; EBADF, EMFILE
   */
  endAfter(exited: Promise<unknown> | Fd, { drainTimeoutMs = 1000 }: EndAfterOptions = {}): this {
    checks.timeMs("drainTimeoutMs", drainTimeoutMs, { min: 0, never: true });
    if (!(exited instanceof Promise)) checkFd("exited", exited);
    if (this.#channel.closed) return this;
    const drain = (): void => this.#drain(drainTimeoutMs);
    // It cannot be waited for (ENOSPC): then the console's end would never come.
    const failed = (error: Error): void => void this.destroy(error);
    const stop = exited instanceof Promise ? watchPromise(exited, drain) : watchExit(exited, drain, failed);
    this.#stopWatchingProcess();
    clearTimeout(this.#drainTimer);
    this.#processEnded = false;
    this.#stopWatchingProcess = stop;
    return this;
  }

  /**
   * Stops reading and writing and gives the master to the caller, still open and with O_NONBLOCK set: no hangup. What was
   * read before stays readable, then the console ends.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_CLOSED; ERR_CONSOLE_BUSY while input waits to be written
   */
  release(): OwnedFd {
    if (this.writableLength > 0 && !this.#channel.closed) {
      throw new ConsoleSocketError(
        "ERR_CONSOLE_BUSY",
        `${this.writableLength} bytes of input wait to be typed: wait for 'drain', or for the callback of write().`,
      );
    }
    const master = this.#channel.release();
    this.#finish();
    return master;
  }

  /** Lets the process end while this console is open. */
  unref(): this {
    this.#channel.setRef(false);
    return this;
  }

  ref(): this {
    this.#channel.setRef(true);
    return this;
  }

  /** @internal */
  override _read(): void {
    this.#wanted = true;
    this.#channel.resume();
  }

  /** @internal */
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#pendingWrite = { rest: chunk, done };
    this.#continueWriting();
  }

  /** @internal */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#close();
    done(error);
  }

  #readReady(): void {
    // Told of a hangup while nobody wants more: what the terminal still holds is taken in, so that its descriptor can go.
    const maxBytes = this.#wanted ? 1 : this.#onHangup === "end" ? MAX_LEFT_BYTES : 0;
    if (this.#readUpTo(maxBytes)) this.#noticeHangup();
  }

  /** Reads until that many bytes are exceeded; true when the terminal turned out to be hung up. */
  #readUpTo(maxBytes: number): boolean {
    try {
      for (let total = 0; total < maxBytes; ) {
        const chunk = this.#channel.read();
        if (!chunk) return chunk === null;
        total += chunk.length;
        if (this.give(chunk)) continue;
        this.#wanted = false;
        this.#channel.pause();
      }
    } catch (error) {
      this.destroy(error as Error);
    }
    return false;
  }

  #noticeHangup(): void {
    if (!this.#hungUp) this.#channel.noteHangup();
    this.#hungUp = true;
    if (this.#onHangup === "end" || this.#processEnded) this.#finish();
  }

  #drain(timeoutMs: number): void {
    this.#processEnded = true;
    if (this.#channel.closed) return;
    const end = (): void => {
      if (this.#channel.closed) return;
      this.#readUpTo(MAX_LEFT_BYTES);
      if (!this.destroyed) this.#finish();
    };
    if (this.#hungUp) end();
    else if (Number.isFinite(timeoutMs)) this.#drainTimer = setTimeout(end, timeoutMs);
  }

  #continueWriting(): void {
    const pending = this.#pendingWrite;
    if (!pending) return;
    try {
      const count = this.#channel.write(pending.rest);
      if (count < pending.rest.length) {
        pending.rest = pending.rest.subarray(count);
        return;
      }
    } catch (error) {
      this.destroy(error as Error);
      return;
    }
    this.#pendingWrite = undefined;
    pending.done();
  }

  // No more bytes will come: the descriptor is closed now, and the Duplex ends when what it holds has been read.
  #finish(): void {
    try {
      this.#close();
    } catch {
      // close(2) failed: every byte was read, and the number is free.
    }
    this.endOutput();
    this.#continueWriting();
  }

  #close(): void {
    clearTimeout(this.#drainTimer);
    this.#stopWatchingProcess();
    this.#channel.close();
  }
}
