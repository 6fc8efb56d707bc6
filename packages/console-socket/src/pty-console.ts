// A console over the master (ptmx) of a pseudo-terminal, as a Duplex.
import { Duplex } from "node:stream";
import { type Fd, OwnedFd } from "cmsg";
import { type Credentials, native, PtyResult, type PtyStream } from "cmsg-native";
import type { Console } from "./console.js";
import { publish } from "./diagnostics.js";
import { ConsoleSocketError } from "./errors.js";
import { checkMaster } from "./master.js";
import { watchExit } from "./process-exit.js";
import { checkConsoleOptions, type EndAfterOptions, type PtyConsoleOptions } from "./pty-console-options.js";
import { checkWindowSize, type WindowSize } from "./window-size.js";

// Every console of this thread reads into this one buffer, and copies out what came: a console at rest has none.
const slab = Buffer.allocUnsafeSlow(65536);

// More than a terminal that nobody writes to can still hold in the kernel.
const MOST_LEFT_BYTES = 4 * slab.length;

interface PendingWrite {
  rest: Uint8Array;
  done: (error?: Error | null) => void;
}

export class PtyConsole extends Duplex implements Console {
  readonly name: string;
  /** Who delivered it, where that is known: the runtime's parent, as a rule. Its uid can be trusted. */
  readonly peer: Credentials | undefined;
  readonly #master: OwnedFd;
  readonly #stream: PtyStream;
  readonly #onHangup: "end" | "wait";
  #size: WindowSize;
  #pendingWrite: PendingWrite | undefined;
  // Somebody wants more than is here: set by _read, until push has enough.
  #wanted = false;
  #hungUp = false;
  #processEnded = false;
  #over = false;
  #drainTimer: NodeJS.Timeout | undefined;
  #stopWatchingProcess: (() => void) | undefined;

  private constructor(master: OwnedFd, { name = "", peer, initialSize, onHangup = "end" }: PtyConsoleOptions) {
    // The two directions end apart: no more input does not mean no more output.
    super({ allowHalfOpen: true });
    this.name = name;
    this.peer = peer;
    this.#master = master;
    this.#onHangup = onHangup;
    // Within the receive itself: a program that asks for its size at its start asks within milliseconds of this.
    this.#size = settleSize(master.fd, initialSize);
    this.#stream = new native.PtyStream(master.fd, (readable, writable) => {
      if (writable) this.#continueWriting();
      if (!readable) return;
      if (this.#wanted) this.#read();
      else this.#hangUpUnread();
    });
  }

  /**
   * Takes a PTY's master and sets O_NONBLOCK on it.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_NOT_A_PTY, ERR_CONSOLE_TAMPERED, ERR_CONSOLE_INVALID_ARG, and the descriptor
   * stays the caller's; CmsgError ERR_CMSG_CLOSED, ERR_CMSG_INVALID_ARG; EBADF.
   */
  static fromFd(fd: Fd, options: PtyConsoleOptions = {}): PtyConsole {
    checkConsoleOptions(options);
    const number = typeof fd === "number" ? fd : fd.fd;
    checkMaster(number);
    return new PtyConsole(typeof fd === "number" ? new OwnedFd(fd) : fd, options);
  }

  /** The window size now; after the end, the last one. */
  get size(): WindowSize {
    if (!this.#master.closed) this.#size = native.getWindowSize(this.#master.fd);
    return this.#size;
  }

  /**
   * TIOCSWINSZ. After the end it does nothing: a window does not ask first whether the program still runs.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG
   */
  resize(columns: number, rows: number): void {
    const size = checkWindowSize({ columns, rows });
    if (this.#master.closed) return;
    native.setWindowSize(this.#master.fd, size.columns, size.rows);
    publish("resize", this.#master.fd, size);
  }

  /**
   * Whether the terminal turns the program's newlines into CR LF (ONLCR in c_oflag, termios(3)). On by default, as the
   * program's runtime left it. Turn it off when the bytes go to a file, or to a terminal that does it again.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_CLOSED
   */
  setOnlcr(on: boolean): void {
    native.setOnlcr(this.#open(), on);
  }

  /**
   * Joins the console's end to its process: when that has ended, the console ends with its hangup, or, where a child left
   * in the background keeps the terminal, once `drainTimeoutMs` have passed and what the terminal then holds is read.
   *
   * @param exited a promise that settles when the process has ended, or its pidfd, borrowed
   */
  endAfter(exited: Promise<unknown> | Fd, { drainTimeoutMs = 1000 }: EndAfterOptions = {}): this {
    const drain = (): void => this.#drain(drainTimeoutMs);
    this.#stopWatchingProcess?.();
    if (exited instanceof Promise) exited.then(drain, drain);
    else if (!this.#master.closed) this.#stopWatchingProcess = watchExit(exited, drain);
    return this;
  }

  /**
   * Stops reading and writing and gives the master to the caller, still open and with O_NONBLOCK set: no hangup. What was
   * read before stays readable, then the console ends.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_CLOSED; ERR_CONSOLE_BUSY while input waits to be written
   */
  release(): OwnedFd {
    this.#open();
    if (this.writableLength > 0) {
      throw new ConsoleSocketError(
        "ERR_CONSOLE_BUSY",
        `${this.writableLength} bytes of input wait to be typed: wait for 'drain', or for the callback of write().`,
      );
    }
    this.#stream.close();
    const master = new OwnedFd(this.#master.release());
    this.#finish();
    return master;
  }

  /** Lets the process end while this console is open. */
  unref(): this {
    this.#stream.setRef(false);
    return this;
  }

  ref(): this {
    this.#stream.setRef(true);
    return this;
  }

  override [Symbol.asyncIterator](): ReturnType<Duplex["iterator"]> {
    return this.iterator({ destroyOnReturn: false });
  }

  /**
   * Types. What is written when the console has ended is dropped, without an error: a person does not know yet.
   *
   * @returns false when the caller should wait for 'drain'
   */
  override write(...args: [chunk: unknown, ...rest: unknown[]]): boolean {
    if (!this.#over) return super.write(...(args as Parameters<Duplex["write"]>));
    const written = args.at(-1);
    if (typeof written === "function") process.nextTick(written as () => void);
    return true;
  }

  override _read(): void {
    this.#wanted = true;
    this.#stream.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#pendingWrite = { rest: chunk, done };
    this.#continueWriting();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#close();
    done(error);
  }

  #open(): number {
    if (!this.#master.closed) return this.#master.fd;
    throw new ConsoleSocketError("ERR_CONSOLE_CLOSED", "This console has ended or was closed.");
  }

  #read(): void {
    if (this.#readOnce() === PtyResult.hungUp) this.#noticeHangup();
  }

  // Told of a hangup while nobody wants more: what the terminal still holds is taken in, so that its descriptor can go.
  #hangUpUnread(): void {
    if (this.#onHangup === "wait") return;
    if (this.#readAllLeft() === PtyResult.hungUp) this.#noticeHangup();
  }

  #readOnce(): number {
    const count = this.#attempt(() => this.#stream.read(slab));
    if (count > 0 && !this.push(Buffer.from(slab.subarray(0, count)))) {
      this.#wanted = false;
      this.#stream.pause();
    }
    return count;
  }

  #readAllLeft(): number {
    let count = this.#readOnce();
    for (let total = count; count > 0 && total < MOST_LEFT_BYTES; total += count) count = this.#readOnce();
    return count;
  }

  #noticeHangup(): void {
    if (!this.#hungUp) publish("hangup", this.#master.fd);
    this.#hungUp = true;
    if (this.#onHangup === "end" || this.#processEnded) this.#finish();
  }

  #drain(timeoutMs: number): void {
    this.#processEnded = true;
    if (this.#master.closed) return;
    const end = (): void => {
      if (this.#master.closed) return;
      this.#readAllLeft();
      if (!this.destroyed) this.#finish();
    };
    if (this.#hungUp) end();
    else this.#drainTimer = setTimeout(end, timeoutMs);
  }

  // What is typed at a terminal that nobody has open reaches no one; that it did not is no error of the console's, whose
  // last output may still be waiting to be read.
  #continueWriting(): void {
    const pending = this.#pendingWrite;
    if (!pending) return;
    const count = this.#master.closed ? PtyResult.hungUp : this.#attempt(() => this.#stream.write(pending.rest));
    if (count === PtyResult.wouldBlock) return;
    if (count >= 0 && count < pending.rest.length) {
      pending.rest = pending.rest.subarray(count);
      return;
    }
    this.#pendingWrite = undefined;
    pending.done();
  }

  // A system call's failure, or somebody else's hand on the descriptor, ends the console.
  #attempt(call: () => number): number {
    try {
      const result = call();
      if (result !== PtyResult.tampered) return result;
      publish("tamper", this.#master.fd);
      this.destroy(
        new ConsoleSocketError(
          "ERR_CONSOLE_TAMPERED",
          "Expected a non-blocking master; whoever shares it cleared O_NONBLOCK to block this process. The console is closed.",
        ),
      );
    } catch (error) {
      this.destroy(error as Error);
    }
    return PtyResult.wouldBlock;
  }

  // No more bytes will come: the descriptor is closed now, and the Duplex ends when what it holds has been read.
  #finish(): void {
    this.#over = true;
    this.#close();
    this.push(null);
    this.end();
    this.#continueWriting();
  }

  #close(): void {
    clearTimeout(this.#drainTimer);
    this.#stopWatchingProcess?.();
    this.#stream.close();
    if (this.#master.closed) return;
    this.#size = this.size;
    publish("end", this.#master.fd);
    this.#master.close();
  }
}

const DEFAULT_SIZE: WindowSize = { columns: 80, rows: 24 };

function settleSize(master: number, wanted: WindowSize | undefined): WindowSize {
  const present = native.getWindowSize(master);
  const size = wanted ?? (present.columns === 0 && present.rows === 0 ? DEFAULT_SIZE : undefined);
  if (size) native.setWindowSize(master, size.columns, size.rows);
  return size ?? present;
}
