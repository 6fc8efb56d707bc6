// The terminal of a process behind an agent, as a Duplex: its bytes are fetched and brought with calls.
//
// One ReadStdout at a time, and none while nobody wants more. Never an empty WriteStdin: 2.x takes it for the end of the
// input and drops the terminal. The end of the output is an error that says EIO or EOF on 1.x (its code is UNKNOWN), and no
// data on 2.x, whose agents have said "eof" in an INTERNAL error too.
import type { ExitStatus } from "cmsg/process";
import { ConsoleBase } from "../../console/console-base.js";
import { DEFAULT_SIZE, type WindowSize } from "../../console/window-size.js";
import { ConsoleSocketError } from "../../errors.js";
import { checks } from "../../options.js";
import { protocolError, RpcError } from "../rpc/rpc-error.js";
import type { AgentClient } from "./agent-client.js";

const MAX_CALL_BYTES = 32 * 1024;

export interface AgentConsoleOptions {
  containerId: string;
  /** Which process; the container's first one by default, which is called as the container. */
  execId?: string | undefined;
  /** Set at once: 1 to 65535 columns and rows. Without it the terminal has whatever size it has, and `size` says 80x24. */
  initialSize?: WindowSize | undefined;
}

/**
 * A `Console` of a process behind an agent. `destroy()` stops reading, and the program goes on: it is not hung up. What the
 * read that is under way takes is lost then, since an agent does not take bytes back.
 */
export class AgentConsole extends ConsoleBase {
  /** The container's id, and the process's where it is another one: `box/shell`. */
  readonly name: string;
  readonly #client: AgentClient;
  readonly #process: { containerId: string; execId: string };
  // Everything that `destroy` cancels. What tells how the process ended outlives the stream.
  readonly #cancel: AbortController = new AbortController();
  readonly #typing: AbortController = new AbortController();
  #reading = false;
  #size: WindowSize;
  #resizing: Promise<void> | undefined;
  #exited: Promise<ExitStatus> | undefined;
  #settleEnd!: (failure: Error | undefined) => void;
  // Why the process's end will not be known, once the console is over.
  readonly #end: Promise<Error | undefined> = new Promise((resolve) => {
    this.#settleEnd = resolve;
  });

  /** @internal Use `openAgentConsole()`. */
  constructor(client: AgentClient, { containerId, execId = containerId, initialSize }: AgentConsoleOptions) {
    super();
    this.#client = client;
    this.#process = { containerId, execId };
    this.name = execId === containerId ? containerId : `${containerId}/${execId}`;
    this.#size = initialSize ?? DEFAULT_SIZE;
  }

  /** As it was set here last: an agent does not tell it. */
  get size(): WindowSize {
    return this.#size;
  }

  /**
   * How the process ended, as the agent tells it: one number, `code`, from which a signal cannot be told (1.x: 128 and its
   * number). It is asked for when the output has ended, since the agent forgets the process then; only when somebody
   * wants to know, since nobody else can ask again.
   *
   * Rejects with ERR_CONSOLE_CLOSED when the console was destroyed before its end, with the error that ended it, or with
   * what `waitProcess` throws.
   */
  get exited(): Promise<ExitStatus> {
    this.#exited ??= this.#waitForExit();
    // Whoever does not use it must not be ended by it.
    this.#exited.catch(() => undefined);
    return this.#exited;
  }

  /**
   * TtyWinResize. The promise need not be awaited: a failure of it is nobody's unhandled rejection, and ends nothing. While
   * one is under way only the latest size waits. After the end it does nothing.
   *
   * @param columns from 1 to 65535, as `rows`
   * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG, at once
   */
  resize(columns: number, rows: number): Promise<void> {
    this.#size = { columns: checks.cells("columns", columns), rows: checks.cells("rows", rows) };
    this.#resizing ??= this.#resizeToLatest().finally(() => {
      this.#resizing = undefined;
    });
    this.#resizing.catch(() => undefined);
    return this.#resizing;
  }

  /** @internal */
  override _read(): void {
    if (!this.#reading && !this.outputEnded) void this.#readOnce();
  }

  /** @internal */
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#type(chunk).then(() => done(), done);
  }

  /** @internal */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#cancel.abort(error ?? closed());
    this.#typing.abort(error ?? closed());
    this.#settleEnd(error ?? closed());
    done(error);
  }

  async #readOnce(): Promise<void> {
    this.#reading = true;
    try {
      const request = { ...this.#process, len: MAX_CALL_BYTES };
      const { data } = await this.#client.agent.readStdout(request, { signal: this.#cancel.signal });
      this.#reading = false;
      if (data.length > 0) this.give(data);
      else this.#finish();
    } catch (error) {
      this.#reading = false;
      if (isEnd(error)) this.#finish();
      else this.destroy(error as Error);
    }
  }

  async #type(chunk: Buffer): Promise<void> {
    for (let rest = chunk; rest.length > 0 && !this.outputEnded; ) {
      const data = rest.subarray(0, MAX_CALL_BYTES);
      try {
        const { len } = await this.#client.agent.writeStdin(
          { ...this.#process, data },
          { signal: this.#typing.signal },
        );
        if (len < 1 || len > data.length)
          throw protocolError(`Of ${data.length} bytes that were typed, ${len} were taken`);
        rest = rest.subarray(len);
      } catch (error) {
        // The program is gone: that its output has ended is told by the next read.
        if (this.outputEnded || isEnd(error)) return;
        throw error;
      }
    }
  }

  async #resizeToLatest(): Promise<void> {
    for (;;) {
      if (this.outputEnded || this.destroyed) return;
      const { columns, rows } = this.#size;
      const request = { ...this.#process, row: rows, column: columns };
      await this.#client.agent.ttyWinResize(request, { signal: this.#cancel.signal });
      if (this.#size.columns === columns && this.#size.rows === rows) return;
    }
  }

  async #waitForExit(): Promise<ExitStatus> {
    const failure = await this.#end;
    if (failure) throw failure;
    const { status } = await this.#client.agent.waitProcess(this.#process);
    return { code: status, signal: null };
  }

  // What is still to be typed is dropped with the write that waits.
  #finish(): void {
    this.endOutput();
    this.#typing.abort();
    this.#settleEnd(undefined);
  }
}

/**
 * Opens the console of a process that was started with a terminal. The client stays the caller's, and must stay open.
 *
 * In a live sandbox Kata's shim reads the same output: each byte goes to one of the two. Use the debug console there.
 *
 *     const terminal = await openAgentConsole(client, { containerId: "box", initialSize: { columns: 80, rows: 24 } });
 *
 * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG; with `initialSize`, what `ttyWinResize` throws.
 */
export async function openAgentConsole(client: AgentClient, options: AgentConsoleOptions): Promise<AgentConsole> {
  const { initialSize } = options;
  checks.string("containerId", options.containerId);
  if (options.execId !== undefined) checks.string("execId", options.execId);
  if (initialSize !== undefined) checks.size("initialSize", initialSize);
  const terminal = new AgentConsole(client, options);
  if (initialSize) await terminal.resize(initialSize.columns, initialSize.rows);
  return terminal;
}

/** Whether an answer says that no process has the terminal open any more. */
function isEnd(error: unknown): boolean {
  if (!(error instanceof RpcError) || (error.rpcName !== "UNKNOWN" && error.rpcName !== "INTERNAL")) return false;
  return /\b(EOF|EIO|input\/output error)\b/i.test(error.details);
}

function closed(): ConsoleSocketError {
  return new ConsoleSocketError("ERR_CONSOLE_CLOSED", "This console was destroyed before its program had ended.");
}
