// A container that was launched: its console, its process, and how that ended.
import type { OwnedFd } from "cmsg";
import type { ExitStatus, ProcessHandle } from "cmsg/process";
import type { PtyConsole } from "../console/pty-console.js";
import { ConsoleSocketError } from "../errors.js";
import { checks } from "../options.js";
import type { MonitorProcess } from "./monitor-process.js";

/**
 * What `launch()` gives.
 *
 *     using container = await launch(["runc", "run", "--detach", "--console-socket", "{}", "box"]);
 *     container.terminal.pipe(process.stdout);
 *     const { code, signal } = await container.exited;
 */
export class LaunchedContainer implements Disposable {
  readonly terminal: PtyConsole;
  /** The container's process, as this process sees it. */
  readonly pid: number;
  /**
   * The container's own exit status or signal, once it has ended: which may be before its console has been read to the
   * end, or after. Rejects with ConsoleSocketError ERR_CONSOLE_MONITOR when the monitor was killed. Nobody has to listen.
   */
  readonly exited: Promise<ExitStatus>;
  /** What the runtime command printed (warnings), at most 64 KiB. Untrusted: it can hold terminal escapes. */
  readonly output: string;
  readonly #monitor: MonitorProcess;
  readonly #process: ProcessHandle | undefined;
  readonly #master: OwnedFd;

  /** @internal Use `launch()`. Takes `process`; borrows `master`, the console's. */
  constructor(
    terminal: PtyConsole,
    pid: number,
    output: string,
    { monitor, process, master }: { monitor: MonitorProcess; process: ProcessHandle | undefined; master: OwnedFd },
  ) {
    this.terminal = terminal;
    this.pid = pid;
    this.output = output;
    this.exited = monitor.exitOf(pid);
    this.#monitor = monitor;
    this.#process = process;
    this.#master = master;
    const forget = (): void => process?.close();
    this.exited.then(forget, forget);
    // Other processes may keep the terminal open after the container's has ended. When the monitor was killed, the
    // container may go on: then only a hangup ends the console.
    const endConsole = (): void => {
      terminal.endAfter(this.exited);
    };
    this.exited.then(endConsole, () => undefined);
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
    return this.#process?.kill(number) ?? false;
  }

  /**
   * Leaves the container running by itself: the monitor takes the console, and throws away what it shows, until the
   * container ends. The console here is closed, without a hangup; what was typed and not yet taken is lost. `exited` goes
   * on.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_CLOSED, ERR_CONSOLE_MONITOR
   */
  async leave(): Promise<void> {
    if (this.#master.closed)
      throw new ConsoleSocketError("ERR_CONSOLE_CLOSED", "This console has ended or was closed.");
    const held = this.#monitor.hold(this.#master);
    // The monitor's copy is on its way, so closing this one is no hangup.
    this.terminal.destroy();
    await held;
  }

  /** Hangs up the console, as the end of this process does. The container is not killed, and `exited` goes on. */
  [Symbol.dispose](): void {
    this.terminal.destroy();
  }

  /** Lets this process end before the container. The console has its own `unref`. */
  unref(): this {
    this.#monitor.unref();
    return this;
  }

  ref(): this {
    this.#monitor.ref();
    return this;
  }
}
