// A container that was launched: its console, its process, and how that ended.
import type { ExitStatus, ProcessHandle } from "cmsg/process";
import { ConsoleSocketError } from "../errors.js";
import { checks } from "../options.js";
import type { Keeper } from "./keeper.js";
import type { LaunchedConsole } from "./launched-console.js";

const DEFAULT_STOP_MS = 10_000;

/**
 * What `launch()` gives.
 *
 *     using container = await launch(["runc", "run", "--detach", "--console-socket", "{}", "box"]);
 *     container.terminal.pipe(process.stdout);
 *     const { code, signal } = await container.exited;
 */
export class LaunchedContainer implements Disposable {
  readonly terminal: LaunchedConsole;
  /** The container's process, as this process sees it. */
  readonly pid: number;
  /**
   * The container's own exit status or signal, once it has ended: which may be before its console has been read to the
   * end, or after. Rejects with ConsoleSocketError ERR_CONSOLE_KEEPER when both processes of the keeper were killed. Nobody
   * has to listen.
   */
  readonly exited: Promise<ExitStatus>;
  /** What the runtime command printed (warnings): the first and the last 32 KiB. Untrusted: it can hold terminal escapes. */
  readonly output: string;
  readonly #keeper: Keeper;
  readonly #process: ProcessHandle | undefined;

  /** @internal Use `launch()`. Takes `handle`. */
  constructor(
    keeper: Keeper,
    { pid, handle, output }: { pid: number; handle: ProcessHandle | undefined; output: string },
  ) {
    this.terminal = keeper.terminal;
    this.pid = pid;
    this.output = output;
    this.exited = keeper.exited;
    this.#keeper = keeper;
    this.#process = handle?.unref();
    // A container whose keeper was killed can be signalled until it ends.
    const forget = (): void => handle?.close();
    this.exited.catch(() => handle?.exited).then(forget, forget);
  }

  /**
   * Sends a signal to the container's process, and never to another that has its number later.
   *
   * @param signal its name, or its number from 0 (which only asks whether the process is there) to 64
   * @returns false when it has ended.
   * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG; EPERM.
   */
  kill(signal: NodeJS.Signals | number = "SIGTERM"): boolean {
    const number = checks.signalNumber("signal", signal);
    return this.#process !== undefined && !this.#process.closed && this.#process.kill(number);
  }

  /**
   * Ends the container: SIGTERM, and SIGKILL when it has not ended within `timeoutMs` (0 to 2147483647; default 10000).
   * The runtime's own record of it stays: its `delete` removes that.
   *
   * @returns how it ended
   * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG; as `exited`
   */
  async stop({ timeoutMs = DEFAULT_STOP_MS }: { timeoutMs?: number | undefined } = {}): Promise<ExitStatus> {
    checks.timeMs("timeoutMs", timeoutMs, { min: 0 });
    this.#keeper.stop(timeoutMs);
    return this.exited;
  }

  /**
   * Leaves the container running by itself: the keeper reads its console on, and throws away what it shows, until the
   * container ends. The console here is closed, without a hangup; what was typed and not yet taken is lost. `exited` goes
   * on.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_CLOSED
   */
  async leave(): Promise<void> {
    if (this.terminal.destroyed) {
      throw new ConsoleSocketError("ERR_CONSOLE_CLOSED", "This console has ended or was closed.");
    }
    await this.terminal.leave();
  }

  /** Hangs up the console, as the end of this process does. The container is not killed, and `exited` goes on. */
  [Symbol.dispose](): void {
    this.terminal.destroy();
  }

  /** Lets this process end before the container. The console has its own `unref`. */
  unref(): this {
    this.#keeper.unref();
    return this;
  }

  ref(): this {
    this.#keeper.ref();
    return this;
  }
}
