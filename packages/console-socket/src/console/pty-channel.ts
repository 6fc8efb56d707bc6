// The master (ptmx) of a pseudo-terminal: its bytes, its size, and who else has a hand on it.
import { OwnedFd } from "cmsg";
import { closeQuietly, native, PtyResult, type PtyStream } from "cmsg-native";
import { publish } from "../diagnostics.js";
import { ConsoleSocketError } from "../errors.js";
import type { WindowSize } from "./window-size.js";

// Every console of this thread reads into this one buffer: a console at rest has none. What fills most of it goes out as
// it is, and the next read has a new one; less is copied, so that nobody holds 64 KiB for a keystroke's echo.
const SLAB_BYTES = 65536;
let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);

function take(count: number): Buffer {
  const bytes = slab.subarray(0, count);
  if (count <= SLAB_BYTES / 2) return Buffer.from(bytes);
  slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  return bytes;
}

export class PtyChannel {
  readonly #master: OwnedFd;
  readonly #stream: PtyStream;
  #size: WindowSize;

  /**
   * Takes a prepared master and sets O_NONBLOCK on it. It starts paused.
   *
   * @param size its window size now
   * @param onReady told when `read` or `write` is worth a try; also of a hangup while paused
   */
  constructor(master: OwnedFd, size: WindowSize, onReady: (readable: boolean, writable: boolean) => void) {
    this.#master = master;
    this.#size = size;
    this.#stream = new native.PtyStream(master.fd, onReady);
    native.treatAsMaster(master.fd);
  }

  get closed(): boolean {
    return this.#master.closed;
  }

  /** The window size now; once closed, the last one. */
  get size(): WindowSize {
    if (!this.closed) this.#size = native.getWindowSize(this.#master.fd);
    return this.#size;
  }

  /** TIOCSWINSZ; nothing once closed. */
  resize(size: WindowSize): void {
    if (this.closed) return;
    native.setWindowSize(this.#master.fd, size.columns, size.rows);
    this.#size = size;
    publish("resize", this.#master.fd, size);
  }

  /** ONLCR in c_oflag. Throws ERR_CONSOLE_CLOSED. */
  setOnlcr(on: boolean): void {
    native.setOnlcr(this.#open(), on);
  }

  /**
   * What the terminal shows, at most 64 KiB: null when no process has it open, undefined when there is nothing yet.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_TAMPERED; a system call's error
   */
  read(): Buffer | null | undefined {
    const count = this.#untampered(this.#stream.read(slab));
    if (count > 0) return take(count);
    return count === PtyResult.hungUp ? null : undefined;
  }

  /**
   * Types: the number of bytes that were taken. `onReady` tells when there is room for the rest. A terminal that no
   * process has open takes, and drops, everything.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_TAMPERED; a system call's error
   */
  write(bytes: Uint8Array): number {
    const count = this.closed ? PtyResult.hungUp : this.#untampered(this.#stream.write(bytes));
    if (count === PtyResult.hungUp) return bytes.length;
    return count === PtyResult.wouldBlock ? 0 : count;
  }

  resume(): void {
    this.#stream.resume();
  }

  pause(): void {
    this.#stream.pause();
  }

  setRef(ref: boolean): void {
    this.#stream.setRef(ref);
  }

  /** Tells who watches that no process has the terminal open. */
  noteHangup(): void {
    publish("hangup", this.#master.fd);
  }

  /** Closes the master, which hangs up, on a thread: the hangup waits for programs that use the terminal. */
  close(): void {
    if (this.closed) return;
    this.#keepSize();
    publish("end", this.#master.fd);
    this.#stream.close();
    closeQuietly(() => this.#master.close());
  }

  /** Gives the master to the caller, open. Throws ERR_CONSOLE_CLOSED. */
  release(): OwnedFd {
    this.#open();
    this.#keepSize();
    this.#stream.close();
    const master = new OwnedFd(this.#master.release(), { untrusted: true });
    native.treatAsMaster(master.fd);
    return master;
  }

  // The last size, for later. A terminal that does not tell any more keeps nobody from closing it.
  #keepSize(): void {
    try {
      this.#size = native.getWindowSize(this.#master.fd);
    } catch {
      // The one that was seen last stays.
    }
  }

  #open(): number {
    if (!this.closed) return this.#master.fd;
    throw new ConsoleSocketError("ERR_CONSOLE_CLOSED", "This console has ended or was closed.");
  }

  #untampered(result: number): number {
    if (result !== PtyResult.tampered) return result;
    publish("tamper", this.#master.fd);
    throw new ConsoleSocketError(
      "ERR_CONSOLE_TAMPERED",
      "Expected a non-blocking master; whoever shares it cleared O_NONBLOCK to block this process. The console is closed.",
    );
  }
}
