// The console of a launched container. A keeper has its master, so another holder of the master cannot stop this process.
import type { Credentials } from "cmsg-native";
import { ConsoleBase } from "../console/console-base.js";
import { safeName } from "../console/safe-text.js";
import type { WindowSize } from "../console/window-size.js";
import { publish } from "../diagnostics.js";
import { ConsoleSocketError } from "../errors.js";
import { checks } from "../options.js";
import { ReaderConnection, type Refusal } from "./reader-connection.js";

export interface LaunchedConsoleOptions {
  initialSize: WindowSize | undefined;
  onHangup: "end" | "wait";
  /** Told of what was refused. */
  onRefused: (refusal: Refusal) => void;
  /** Told of the container's wait status, or of undefined when the reader ended without knowing it. */
  onExit: (status: number | undefined) => void;
  onReaperEnd: () => void;
}

/**
 * What `launch()` gives as `terminal`. It ends when the container has ended and its output was read. `destroy()` hangs up.
 * It has no `release()` and no `endAfter()`, because another process has the master. A console of `listen()` has both.
 */
export class LaunchedConsole extends ConsoleBase {
  readonly #reader: ReaderConnection;
  readonly #onHangup: "end" | "wait";
  #name = "";
  #peer: Credentials | undefined;
  #size: WindowSize;
  #arrived = false;
  #left = false;

  /** @internal Use `launch()`. Takes `fd`, the creator's connection with the reader. */
  constructor(fd: number, { initialSize, onHangup, onRefused, onExit, onReaperEnd }: LaunchedConsoleOptions) {
    super();
    this.#onHangup = onHangup;
    this.#size = initialSize ?? { columns: 0, rows: 0 };
    let exited = false;
    this.#reader = new ReaderConnection(fd, {
      output: (bytes) => this.#take(bytes),
      arrived: (peer, name) => {
        this.#arrived = true;
        this.#peer = peer;
        this.#name = safeName(name);
        publish("receive", undefined, { name: this.#name, peer });
      },
      refused: onRefused,
      resized: (size) => {
        this.#size = size;
      },
      tampered: () => publish("tamper", undefined, { name: this.#name }),
      hungUp: () => this.#noticeHangup(),
      exited: (status) => {
        exited = true;
        onExit(status);
        this.#finish();
        this.#reader.close();
      },
      reaperEnded: onReaperEnd,
      closed: () => {
        if (!exited) onExit(undefined);
        this.#connectionEnded(exited);
      },
    });
  }

  /** What its sender called it, made safe to show; "" while none has come. It identifies nothing. */
  get name(): string {
    return this.#name;
  }

  /** The process that sent the console, usually the runtime. The kernel vouches for its uid. */
  get peer(): Credentials | undefined {
    return this.#peer;
  }

  /** @internal Whether a console had come to the reader when this was called, as far as it tells. */
  async hasArrived(): Promise<boolean> {
    if (!this.#arrived) await this.#reader.catchUp();
    return this.#arrived;
  }

  /** The window size that was last set from outside. A size that the program sets itself (stty) is not seen. */
  get size(): WindowSize {
    return this.#size;
  }

  /**
   * TIOCSWINSZ, by the keeper. After the end it does nothing.
   *
   * @param columns from 1 to 65535, as `rows`
   * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG
   */
  resize(columns: number, rows: number): void {
    this.#size = { columns: checks.cells("columns", columns), rows: checks.cells("rows", rows) };
    this.#reader.resize(this.#size);
    publish("resize", undefined, { name: this.#name, ...this.#size });
  }

  /**
   * Whether the terminal makes CR LF of the program's newlines (ONLCR in c_oflag, termios(3)). The keeper sets it; a change
   * by the program in between, such as to raw mode, is undone.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_CLOSED
   */
  setOnlcr(on: boolean): void {
    if (this.outputEnded || this.destroyed) {
      throw new ConsoleSocketError("ERR_CONSOLE_CLOSED", "This console has ended or was closed.");
    }
    this.#reader.setOnlcr(on);
  }

  /** Hangs up and keeps reading: the program gets SIGHUP and SIGCONT. `destroy()` hangs up and stops reading. */
  hangUp(): void {
    this.#reader.hangUp();
  }

  /** @internal The reader has ended. */
  readerEnded(): void {
    this.#reader.lost();
  }

  /** @internal Closes it without a hangup, once the reader knows. What was typed and not yet taken is lost. */
  async leave(): Promise<void> {
    this.#left = true;
    this.#reader.leave();
    await this.#reader.catchUp();
    this.destroy();
  }

  /** Lets the process end while this console is open. */
  unref(): this {
    this.#reader.setRef(false);
    return this;
  }

  ref(): this {
    this.#reader.setRef(true);
    return this;
  }

  /** @internal */
  override _read(): void {
    this.#reader.acknowledge(this.readableLength);
  }

  /** @internal */
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#reader.type(chunk, done);
  }

  /** @internal Keystrokes that came while one was on its way go together. */
  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#reader.type(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  /** @internal */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#left) this.#reader.hangUp();
    this.#reader.close();
    done(error);
  }

  #take(bytes: Buffer): void {
    if (this.outputEnded || this.destroyed) return;
    this.give(bytes);
    this.#reader.acknowledge(this.readableLength);
  }

  #noticeHangup(): void {
    publish("hangup", undefined, { name: this.#name });
    if (this.#onHangup === "wait") return;
    this.#reader.hangUp();
    this.#finish();
  }

  #finish(): void {
    if (this.outputEnded || this.destroyed) return;
    publish("end", undefined, { name: this.#name });
    this.endOutput();
  }

  #connectionEnded(exited: boolean): void {
    if (exited || this.outputEnded || this.destroyed) return;
    this.destroy(
      new ConsoleSocketError(
        "ERR_CONSOLE_KEEPER",
        "Expected console-keeper to run as long as the console; it was killed, or failed, and the terminal was hung up.",
      ),
    );
  }
}
