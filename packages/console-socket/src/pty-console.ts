// A console over the master (ptmx) of a pseudo-terminal, as a Duplex.
import { Duplex } from "node:stream";
import { type Fd, OwnedFd } from "cmsg";
import { type Credentials, native, PtyResult, type PtyStream } from "cmsg-native";
import type { Console } from "./console.js";
import { ConsoleSocketError } from "./errors.js";
import { checkMaster } from "./master.js";
import { checkWindowSize, type WindowSize } from "./window-size.js";

export interface PtyConsoleOptions {
  name?: string;
  /** Who delivered it. */
  peer?: Credentials;
}

// Every console of this thread reads into this one buffer, and copies out what came: a console at rest has none.
const slab = Buffer.allocUnsafeSlow(65536);

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
  #size: WindowSize;
  #pendingWrite: PendingWrite | undefined;

  private constructor(master: OwnedFd, { name = "", peer }: PtyConsoleOptions) {
    // The two directions end apart: no more input does not mean no more output.
    super({ allowHalfOpen: true });
    this.name = name;
    this.peer = peer;
    this.#master = master;
    this.#size = native.getWindowSize(master.fd);
    this.#stream = new native.PtyStream(master.fd, (readable, writable) => {
      if (writable) this.#continueWriting();
      if (readable) this.#readOnce();
    });
  }

  /**
   * Takes a PTY's master and sets O_NONBLOCK on it.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_NOT_A_PTY, ERR_CONSOLE_TAMPERED, and the descriptor stays the caller's; CmsgError
   * ERR_CMSG_CLOSED, ERR_CMSG_INVALID_ARG; EBADF.
   */
  static fromFd(fd: Fd, options: PtyConsoleOptions = {}): PtyConsole {
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
    if (!this.#master.closed) native.setWindowSize(this.#master.fd, size.columns, size.rows);
  }

  /**
   * Whether the terminal turns the program's newlines into CR LF (ONLCR in c_oflag, termios(3)). On by default, as the
   * program's runtime left it. Turn it off when the bytes go to a file, or to a terminal that does it again.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_CLOSED
   */
  setOnlcr(on: boolean): void {
    if (this.#master.closed)
      throw new ConsoleSocketError("ERR_CONSOLE_CLOSED", "This console has ended or was closed.");
    native.setOnlcr(this.#master.fd, on);
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

  override _read(): void {
    this.#stream.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#pendingWrite = { rest: chunk, done };
    this.#continueWriting();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#hangUp();
    done(error);
  }

  #readOnce(): void {
    const count = this.#attempt(() => this.#stream.read(slab));
    if (count === PtyResult.hungUp) this.#finish();
    if (count > 0 && !this.push(Buffer.from(slab.subarray(0, count)))) this.#stream.pause();
  }

  // What is typed at a terminal that nobody has open reaches no one; that it did not is no error of the console's, whose
  // last output may still be waiting to be read.
  #continueWriting(): void {
    const pending = this.#pendingWrite;
    if (!pending) return;
    const count = this.#master.closed ? PtyResult.hungUp : this.#attempt(() => this.#stream.write(pending.rest));
    if (count === PtyResult.wouldBlock || this.destroyed) return;
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
    this.#hangUp();
    this.push(null);
    this.end();
    this.#continueWriting();
  }

  #hangUp(): void {
    if (this.#master.closed) return;
    this.#size = this.size;
    this.#stream.close();
    this.#master.close();
  }
}
