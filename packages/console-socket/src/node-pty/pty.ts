// node-pty's IPty over a console, for what was written for node-pty. The declarations are this package's own, so that
// nobody needs node-pty for them; a test holds them against its types.
import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import type { ExitStatus } from "cmsg/process";
import { callApart } from "cmsg-native";
import type { Console } from "../console/console.js";
import { safeName } from "../console/safe-text.js";
import type { LaunchedContainer } from "../launch/launched.js";
import { checks } from "../options.js";
import { shellStatus } from "../process/exit-status.js";

/** What ends a subscription. */
export interface PtyDisposable {
  dispose(): void;
}

/** Subscribes; as `onData` and `onExit` are called. */
export type PtyEvent<T> = (listener: (event: T) => unknown) => PtyDisposable;

export interface PtyOptions {
  /** The program's process, where it is known, from 2 to 2147483647; that of a launched container by default. */
  pid?: number | undefined;
  /** What `process` answers; by default what runs in the foreground, where `pid` is known. */
  process?: string | undefined;
  /** How the program ends; that of a launched container by default. Without it, and where it rejects, -1 is told. */
  exited?: Promise<ExitStatus> | undefined;
  /** 'utf8' by default; null gives Buffers to `onData`. */
  encoding?: BufferEncoding | null | undefined;
  /** Whether a write of `flowControlPause` or `flowControlResume` pauses or resumes, and is not typed. */
  handleFlowControl?: boolean | undefined;
  /** XOFF by default. */
  flowControlPause?: string | undefined;
  /** XON by default. */
  flowControlResume?: string | undefined;
}

/** What `asPty` gives: node-pty's IPty, and the emitter's methods of its terminals. */
export class Pty implements Disposable {
  handleFlowControl: boolean;
  // 'data' (data), 'exit' (exitCode, signal), 'close', 'error' (error).
  readonly #events: EventEmitter = new EventEmitter();
  readonly #console: Console;
  readonly #container: LaunchedContainer | undefined;
  readonly #options: PtyOptions;
  #exited = false;

  /** @internal */
  static create(terminal: Console, container: LaunchedContainer | undefined, options: PtyOptions): Pty {
    return new Pty(terminal, container, options);
  }

  private constructor(terminal: Console, container: LaunchedContainer | undefined, options: PtyOptions) {
    this.#console = terminal;
    this.#container = container;
    this.#options = options;
    this.handleFlowControl = options.handleFlowControl === true;
    this.#forwardData(options.encoding === undefined ? "utf8" : options.encoding);
    terminal.on("error", (error) => {
      // Somebody who does not listen still gets the exit.
      if (this.#events.listenerCount("error") > 0) this.#events.emit("error", error);
    });
    terminal.once("close", () => this.#forwardExit(options.exited ?? container?.exited));
  }

  /** NaN where it is not known: `process.kill` refuses that, while 0 and -1 would be whole groups. */
  get pid(): number {
    return this.#options.pid ?? this.#container?.pid ?? Number.NaN;
  }

  get cols(): number {
    return this.#console.size.columns;
  }

  get rows(): number {
    return this.#console.size.rows;
  }

  /** The name of what runs in the foreground, or of `options.process`; empty where that is not known. */
  get process(): string {
    return this.#options.process ?? (this.#exited ? "" : foregroundOf(this.pid));
  }

  get onData(): PtyEvent<string> {
    return (listener) => this.#subscribe("data", listener);
  }

  /** After the last byte: the exit status, -1 where nobody knows it, and the number of the signal that ended it, or 0. */
  get onExit(): PtyEvent<{ exitCode: number; signal?: number }> {
    return (listener) => this.#subscribe("exit", (exitCode: number, signal: number) => listener({ exitCode, signal }));
  }

  /**
   * Fractions are cut off, as node-pty does. After the end it does nothing.
   *
   * @throws Error, as node-pty does, unless both are above 0 and finite; ConsoleSocketError ERR_CONSOLE_INVALID_ARG unless
   * they are from 1 to 65535 then
   */
  resize(columns: number, rows: number): void {
    if (!(columns > 0 && rows > 0 && Number.isFinite(columns) && Number.isFinite(rows)))
      throw new Error("resizing must be done using positive cols and rows");
    this.#console.resize(Math.trunc(columns), Math.trunc(rows));
  }

  /** Does nothing: only Windows keeps a buffer of its own. */
  clear(): void {}

  /** Types. What is typed after the end is lost. */
  write(data: string | Buffer): void {
    const { flowControlPause = "\x13", flowControlResume = "\x11" } = this.#options;
    if (this.handleFlowControl && data === flowControlPause) this.pause();
    else if (this.handleFlowControl && data === flowControlResume) this.resume();
    else if (this.#console.writable) this.#console.write(data);
  }

  /**
   * Sends a signal to the program. Where its process is not known, it hangs up, whatever the signal.
   *
   * @param signal its name, SIGHUP by default
   */
  kill(signal = "SIGHUP"): void {
    if (this.#exited) return;
    if (this.#options.pid === undefined && this.#container)
      ignoreErrors(() => this.#container?.kill(signal as NodeJS.Signals));
    else if (Number.isNaN(this.pid)) this.#console.destroy();
    else ignoreErrors(() => process.kill(this.pid, signal));
  }

  pause(): void {
    this.#console.pause();
  }

  resume(): void {
    this.#console.resume();
  }

  /** Hangs up. */
  destroy(): void {
    this.#console.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  on(event: string, listener: (...args: never[]) => void): this {
    this.#events.on(event, listener as () => void);
    return this;
  }

  addListener(event: string, listener: (...args: never[]) => void): this {
    return this.on(event, listener);
  }

  once(event: string, listener: (...args: never[]) => void): this {
    this.#events.once(event, listener as () => void);
    return this;
  }

  off(event: string, listener: (...args: never[]) => void): this {
    this.#events.off(event, listener as () => void);
    return this;
  }

  removeListener(event: string, listener: (...args: never[]) => void): this {
    return this.off(event, listener);
  }

  removeAllListeners(event?: string): this {
    this.#events.removeAllListeners(event);
    return this;
  }

  listeners(event: string): unknown[] {
    return this.#events.listeners(event);
  }

  emit(event: string, ...args: unknown[]): boolean {
    return this.#events.emit(event, ...args);
  }

  #subscribe(event: string, listener: (...args: never[]) => unknown): PtyDisposable {
    this.#events.on(event, listener as () => void);
    return {
      dispose: () => {
        this.#events.off(event, listener as () => void);
      },
    };
  }

  #forwardData(encoding: BufferEncoding | null): void {
    const decoder = encoding === null ? undefined : new StringDecoder(encoding);
    const forward = (data: string | Buffer): void => {
      if (data.length > 0) this.#events.emit("data", data);
    };
    this.#console.on("data", (bytes: Buffer) => forward(decoder ? decoder.write(bytes) : bytes));
    // A character of which only the beginning came.
    this.#console.once("end", () => forward(decoder?.end() ?? ""));
  }

  async #forwardExit(exited: Promise<ExitStatus> | undefined): Promise<void> {
    const { code, signal } = (await exited?.catch(() => undefined)) ?? { code: -1, signal: null };
    this.#exited = true;
    const number = signal === null ? 0 : shellStatus({ code, signal }) - 128;
    callApart(() => this.#events.emit("exit", code ?? 0, number));
    callApart(() => this.#events.emit("close"));
  }
}

/**
 * node-pty's IPty over a console, or over what `launch` gave, which it reads from now on: subscribe to its data at once.
 *
 *     const pty = asPty(await launch(["runc", "run", "--detach", "--console-socket", "{}", "box"]));
 *     pty.onData((text) => process.stdout.write(text));
 *     pty.onExit(({ exitCode }) => process.exit(exitCode));
 *
 * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG: `pid` is no process of one's own to signal (1 or below).
 */
export function asPty(source: Console | LaunchedContainer, options: PtyOptions = {}): Pty {
  const { pid } = options;
  // kill(2) takes 0 and negative numbers for whole groups.
  if (pid !== undefined) checks.whole("pid", pid, { min: 2 });
  return "terminal" in source ? Pty.create(source.terminal, source, options) : Pty.create(source, undefined, options);
}

// proc(5): the eighth field of stat is the foreground process group of the terminal.
function foregroundOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const group = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[5];
    const [program = ""] = readFileSync(`/proc/${group}/cmdline`, "latin1").split("\0");
    return safeName(Buffer.from(program, "latin1"));
  } catch {
    return "";
  }
}

// As node-pty does it: whether the program still runs is not the caller's to know.
function ignoreErrors(call: () => void): void {
  try {
    call();
  } catch {
    // ESRCH, EPERM, or no such signal.
  }
}
