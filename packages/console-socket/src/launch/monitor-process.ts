// One console-monitor: the parent of a runtime command and of what that leaves behind. It is in a session of its own, so
// that no terminal's Ctrl-C or hangup reaches the container through it.
import { type OwnedFd, UnixSocket } from "cmsg";
import { type ExitStatus, exitStatus } from "cmsg/process";
import { findBinary, native } from "cmsg-native";
import { type StartedProcess, startProcess } from "cmsg-native/start-process";
import { ConsoleSocketError } from "../errors.js";
import { holdRecord, RecordReader, type Report, signalRecord } from "./launch-protocol.js";

export interface MonitorOptions {
  cwd?: string | undefined;
  env?: NodeJS.ProcessEnv | undefined;
}

/** The end of the runtime command. */
export interface RuntimeEnd {
  exit: ExitStatus;
  /** What it printed, standard output and error together, at most 64 KiB of it. */
  output: Buffer;
}

const MAX_OUTPUT_BYTES = 65_536;

export class MonitorProcess {
  /** Rejects when the command could not be run, and when the monitor was killed. */
  readonly runtimeEnded: Promise<RuntimeEnd>;
  readonly #process: StartedProcess;
  readonly #control: UnixSocket;
  readonly #command: string;
  readonly #runtime: PromiseWithResolvers<RuntimeEnd> = withResolvers();
  /** Those that the runtime left behind: how each ended. */
  readonly #children: Map<number, PromiseWithResolvers<ExitStatus>> = new Map();
  #changed: PromiseWithResolvers<void> = withResolvers();
  #output = Buffer.alloc(0);

  private constructor(process: StartedProcess, control: UnixSocket, command: string) {
    this.#process = process;
    this.#control = control;
    this.#command = command;
    this.runtimeEnded = this.#runtime.promise;
    this.runtimeEnded.catch(() => undefined);
    // Its socket tells of everything; whether that keeps this process is ref's and unref's to say.
    process.unref();
    void this.#readReports();
  }

  /** @throws ENOENT (of `cwd`), EAGAIN, ENOMEM …; what the monitor itself meets comes with `runtimeEnded`. */
  static async start(argv: readonly string[], { cwd, env }: MonitorOptions): Promise<MonitorProcess> {
    const [control, other] = UnixSocket.pair();
    try {
      using _other = other;
      const monitor = findBinary("console-monitor");
      const process = await startProcess(monitor, {
        argv: [monitor, ...argv],
        cwd,
        env,
        ownSession: true,
        descriptors: ["null", "null", "null", other.fd],
      });
      return new MonitorProcess(process, control, argv[0] ?? "");
    } catch (error) {
      control.close();
      throw error;
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Those that the runtime left behind, in the order in which they came. */
  get children(): number[] {
    return [...this.#children.keys()];
  }

  /** Whether the monitor has ended: it has no more children, or it was killed. */
  get ended(): boolean {
    return this.#control.closed;
  }

  /** Resolves when `children` or `ended` has changed. */
  changed(): Promise<void> {
    return this.#changed.promise;
  }

  /** How a child of the monitor ended. Rejects when the monitor was killed before: then nobody knows. */
  exitOf(pid: number): Promise<ExitStatus> {
    return this.#child(pid).promise;
  }

  /** Sends `signal` to the runtime command, if it still runs. */
  signalRuntime(signal: number): void {
    if (!this.#control.closed) this.#control.send(signalRecord(signal)).catch(() => undefined);
  }

  /**
   * Gives the monitor a copy of a console's master, borrowed for the call: it reads that, throwing away what it shows,
   * until its own end.
   *
   * @throws ConsoleSocketError ERR_CONSOLE_MONITOR
   */
  async hold(master: OwnedFd): Promise<void> {
    if (this.#control.closed) throw monitorGone();
    await this.#control.send(holdRecord(), [master]);
  }

  ref(): void {
    this.#control.ref();
  }

  unref(): void {
    this.#control.unref();
  }

  async #readReports(): Promise<void> {
    const reader = new RecordReader();
    try {
      for await (const { data } of this.#control) {
        for (const report of reader.read(data)) this.#onReport(report);
      }
      this.#ended(monitorGone());
    } catch (error) {
      this.#ended(error as Error);
    }
  }

  #onReport(report: Report): void {
    switch (report.kind) {
      case "started":
        return;
      case "not-started":
        this.#runtime.reject(notStarted(report.errno, this.#command));
        return;
      case "output":
        this.#output = Buffer.concat([this.#output, report.bytes]).subarray(0, MAX_OUTPUT_BYTES);
        return;
      case "child":
        this.#child(report.pid);
        return;
      case "runtime-ended":
        this.#runtime.resolve({ exit: exitStatus(report.status), output: this.#output });
        return;
      case "ended":
        this.#child(report.pid).resolve(exitStatus(report.status));
    }
  }

  #child(pid: number): PromiseWithResolvers<ExitStatus> {
    let child = this.#children.get(pid);
    if (!child) {
      child = withResolvers();
      child.promise.catch(() => undefined);
      this.#children.set(pid, child);
      this.#notifyChange();
    }
    return child;
  }

  // A monitor that reported every end before it left changes nothing here: the promises have settled.
  #ended(why: Error): void {
    this.#control.close();
    this.#runtime.reject(why);
    for (const { reject } of this.#children.values()) reject(why);
    this.#notifyChange();
  }

  #notifyChange(): void {
    this.#changed.resolve();
    this.#changed = withResolvers();
  }
}

interface PromiseWithResolvers<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: Error) => void;
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: Error) => void = () => undefined;
  const promise = new Promise<T>((...functions) => {
    [resolve, reject] = functions;
  });
  return { promise, resolve, reject };
}

function monitorGone(): ConsoleSocketError {
  return new ConsoleSocketError(
    "ERR_CONSOLE_MONITOR",
    "Expected console-monitor to run as long as the container; it was killed, or failed. The container goes on, and how " +
      "it ends cannot be known: ask the runtime.",
  );
}

// In the shape of child_process.spawn's.
function notStarted(errno: number, command: string): Error {
  const { code } = native.makeError(errno, "spawn");
  const error = new Error(`spawn ${command} ${code}`);
  return Object.assign(error, { code, errno: -errno, syscall: `spawn ${command}`, path: command });
}
