// A container that was launched: its console, its process, and how that ended.
import { constants } from "node:os";
import type { OwnedFd } from "cmsg";
import { native } from "cmsg-native";
import { ConsoleSocketError } from "./errors.js";
import type { ExitStatus } from "./exit-status.js";
import type { MonitorProcess } from "./monitor-process.js";
import type { PtyConsole } from "./pty-console.js";

export class LaunchedContainer {
  readonly console: PtyConsole;
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
  readonly #process: OwnedFd | undefined;

  /** Use `launch()`. Takes `process`, a pidfd. */
  constructor(
    console: PtyConsole,
    pid: number,
    output: string,
    { monitor, process }: { monitor: MonitorProcess; process: OwnedFd | undefined },
  ) {
    this.console = console;
    this.pid = pid;
    this.output = output;
    this.exited = monitor.exitOf(pid);
    this.#monitor = monitor;
    this.#process = process;
    const forget = (): void => process?.close();
    this.exited.then(forget, forget);
    // Others may keep the terminal when this process has ended. A monitor that was killed tells nothing about it.
    console.endAfter(this.exited.catch(() => new Promise(() => undefined)));
  }

  /**
   * Sends a signal to the container's process, and never to another that has its number later.
   *
   * @returns false when it has ended.
   * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG; EPERM.
   */
  kill(signal: NodeJS.Signals | number = "SIGTERM"): boolean {
    const number = typeof signal === "number" ? signal : constants.signals[signal];
    if (!Number.isInteger(number) || number < 0 || number > 64) {
      throw new ConsoleSocketError(
        "ERR_CONSOLE_INVALID_ARG",
        `Expected a signal's name or number, not ${JSON.stringify(signal)}.`,
      );
    }
    if (!this.#process || this.#process.closed) return false;
    try {
      native.sendSignal(this.#process.fd, number);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
      throw error;
    }
  }

  /**
   * Leaves the container running by itself: the monitor takes the console, and throws away what it shows, until the
   * container ends. Here the console ends; `exited` goes on.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_CLOSED, ERR_CONSOLE_BUSY (typed input waits), ERR_CONSOLE_MONITOR
   */
  leave(): Promise<void> {
    return this.#monitor.hold(this.console);
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
