// One console-keeper: the two native processes beside a launched container. The reader has its console, the reaper is the
// parent of the runtime's command and of what that leaves behind. They are in a session of their own, so that no
// terminal's Ctrl-C or hangup reaches the container through them.
import { constants } from "node:os";
import { type OwnedFd, UnixSocket } from "cmsg";
import { type ExitStatus, exitStatus, ProcessHandle } from "cmsg/process";
import { ConsoleRefusal, closeQuietly, findBinary, native } from "cmsg-native";
import { FromKeeper, FromReaper, KEEPER_VERSION, StartFlags, ToKeeper } from "cmsg-native/keeper-protocol";
import { refuseNul, startProcess } from "cmsg-native/start-process";
import { DEFAULT_SIZE, type WindowSize } from "../console/window-size.js";
import { isElsewhere } from "../process/ancestors.js";
import { HeadAndTail } from "./head-and-tail.js";
import { bodyRecords, get32, hasNoReader, hello, put16, put32, RecordReader, record } from "./keeper-records.js";
import { keeperGone, type RuntimeEnd } from "./launch-errors.js";
import { LaunchedConsole } from "./launched-console.js";
import type { Refusal } from "./reader-connection.js";

export interface KeeperOptions {
  argv: readonly string[];
  cwd: string | undefined;
  env: NodeJS.ProcessEnv | undefined;
  /** Where the reader listens for the console. */
  consolePath: string;
  pidFile: string;
  initialSize: WindowSize | undefined;
  onlcr: boolean | undefined;
  onHangup: "end" | "wait";
  drainTimeoutMs: number;
}

/** The container's process, held by its handle; undefined where the kernel has no pidfd (before Linux 5.3). */
export interface ContainerProcess {
  pid: number;
  handle: ProcessHandle | undefined;
}

// The protocol's 2^64-1.
const isUnknown = (status: number): boolean => status > Number.MAX_SAFE_INTEGER;
const MAX_DRAIN_MS = 0xffff_ffff;
// How long the keeper waits for this process after the end of everything.
const LINGER_MS = 10_000;

export class Keeper {
  readonly terminal: LaunchedConsole;
  /** Rejects when the command could not be run, and when the keeper was killed. */
  readonly runtimeEnded: Promise<RuntimeEnd>;
  /** The container's process; undefined when it is none of those that the command left. Rejects as `runtimeEnded`. */
  readonly container: Promise<ContainerProcess | undefined>;
  /** How the container ended. Rejects when nobody knows. */
  readonly exited: Promise<ExitStatus>;
  /** Settles when the reaper has ended: nothing that the command started is left, or it was killed. */
  readonly ended: Promise<void>;
  /** Why the reader refused what came instead of a console. */
  refusal: Refusal | undefined;
  readonly #pid: number;
  readonly #pidFile: string;
  readonly #control: UnixSocket;
  readonly #command: string;
  readonly #runtime = withResolvers<RuntimeEnd>();
  readonly #container = withResolvers<ContainerProcess | undefined>();
  readonly #exit = withResolvers<ExitStatus>();
  readonly #end = withResolvers<void>();
  readonly #output = new HeadAndTail();
  readonly #descriptors: OwnedFd[] = [];
  #greeted = false;
  #partsEnded = 0;

  private constructor(
    pid: number,
    control: UnixSocket,
    reader: UnixSocket,
    { argv, pidFile, initialSize, onHangup }: KeeperOptions,
  ) {
    this.#pid = pid;
    this.#pidFile = pidFile;
    this.#control = control;
    this.#command = argv[0] ?? "";
    this.runtimeEnded = this.#runtime.promise;
    this.container = this.#container.promise;
    this.exited = this.#exit.promise;
    this.ended = this.#end.promise;
    for (const promise of [this.runtimeEnded, this.container, this.exited]) promise.catch(() => undefined);
    this.terminal = new LaunchedConsole(reader.fd, {
      initialSize,
      onHangup,
      onRefused: (refusal) => {
        // Who closes without a message is no reason: the runtime's own end says more.
        if (refusal.reason !== ConsoleRefusal.end) this.refusal ??= refusal;
      },
      onExit: (status) => this.#onExit(status),
      onReaperEnd: () => this.#control.close(),
    });
    // Its socket has the number now.
    reader.release();
    // The container can cause an error before launch() has given the console to anyone.
    this.terminal.on("error", () => undefined);
  }

  /**
   * @throws EAGAIN, ENOMEM, EMFILE …; ERR_INVALID_ARG_VALUE for a NUL byte. What the keeper itself meets comes with
   * `runtimeEnded`.
   */
  static async start(options: KeeperOptions): Promise<Keeper> {
    const body = startBody(options);
    const made: UnixSocket[] = [];
    const pair = (): [UnixSocket, UnixSocket] => {
      const ends = UnixSocket.pair();
      made.push(...ends);
      return ends;
    };
    try {
      const [reader, theirReader] = pair();
      const [control, theirControl] = pair();
      using _theirReader = theirReader;
      using _theirControl = theirControl;
      const file = findBinary("console-keeper");
      const process = await startProcess(file, {
        ownSession: true,
        descriptors: ["null", "null", "null", theirReader.fd, theirControl.fd],
      });
      // Its sockets tell of everything; whether they keep this process is ref's and unref's to say.
      process.unref();
      const keeper = new Keeper(process.pid, control, reader, options);
      void keeper.#begin(body);
      return keeper;
    } catch (error) {
      for (const end of made) closeQuietly(() => end.close());
      throw error;
    }
  }

  /** SIGTERM to the container, or to the command while there is none; after `graceMs` SIGKILL to all that it left. */
  stop(graceMs: number): void {
    if (!this.#control.closed) this.#control.send(record(ToKeeper.stop, graceMs)).catch(() => undefined);
  }

  /** Hangs up and ends what was begun, as `stop`. The keeper stays until that has ended; nobody here waits for it. */
  abandon(graceMs: number): void {
    this.terminal.destroy();
    this.stop(graceMs);
    this.unref();
    this.container.then((process) => process?.handle?.close()).catch(() => undefined);
  }

  ref(): void {
    this.#control.ref();
  }

  unref(): void {
    this.#control.unref();
  }

  async #begin(body: Buffer): Promise<void> {
    const reader = new RecordReader({
      output: () => undefined,
      record: (kind, value, payload) => this.#onRecord(kind, value, payload),
    });
    try {
      await this.#control.send(Buffer.concat([hello(KEEPER_VERSION), ...bodyRecords(ToKeeper.start, body)]));
      for await (const { data, fds } of this.#control) {
        this.#descriptors.push(...fds);
        reader.feed(data);
      }
      this.#ended(keeperGone());
    } catch (error) {
      // Reset: it ended with records of ours unread.
      this.#ended((error as { code?: string }).code === "ECONNRESET" ? keeperGone() : (error as Error));
    }
  }

  #onRecord(kind: number, value: number, payload: Buffer): void {
    switch (kind) {
      case FromKeeper.helloBack:
        if (this.#greeted && hasNoReader(payload)) this.terminal.readerEnded();
        this.#greeted = true;
        return;
      case FromReaper.notStarted:
        // EPIPE is no answer of execve(2): the reader was killed before it was ready.
        this.#runtime.reject(value === constants.errno.EPIPE ? keeperGone() : notStarted(value, this.#command));
        return;
      case FromReaper.runtimeOutput:
        this.#output.add(payload);
        return;
      case FromReaper.child:
        this.#onChild(value);
        return;
      case FromReaper.runtimeEnded:
        this.#runtime.resolve({
          exit: exitStatus(value),
          output: this.#output.bytes,
          consoleCame: get32(payload, 0) === 1,
        });
        return;
      case FromReaper.ended:
        if (!isUnknown(value)) this.#exit.resolve(exitStatus(value));
        return;
      case FromKeeper.exit:
        // Nothing is left that could turn out to be it.
        this.#container.resolve(undefined);
        this.#control.close();
        return;
      case FromKeeper.error:
        this.#runtime.reject(refusedByKeeper(value, payload.toString()));
        return;
    }
  }

  // 0: none of what the command left can be said to be it, yet: crun's is another's child first. It never will be when it
  // lives elsewhere.
  #onChild(pid: number): void {
    if (pid > 0) {
      const pidfd = this.#descriptors.shift();
      try {
        this.#container.resolve({ pid, handle: pidfd && ProcessHandle.fromFd(pidfd) });
      } catch (error) {
        closeQuietly(() => pidfd?.close());
        this.#container.reject(error as Error);
      }
    } else if (isElsewhere(this.#pidFile, this.#pid)) {
      this.#container.resolve(undefined);
    }
  }

  #onExit(status: number | undefined): void {
    if (status !== undefined && !isUnknown(status)) this.#exit.resolve(exitStatus(status));
    this.#partEnded(keeperGone());
  }

  #ended(why: Error): void {
    this.#control.close();
    for (const fd of this.#descriptors.splice(0)) closeQuietly(() => fd.close());
    this.#runtime.reject(why);
    this.#container.reject(why);
    this.#end.resolve();
    this.#partEnded(why);
  }

  // Each of the two tells the status: only when both have ended does nobody know.
  #partEnded(why: Error): void {
    this.#partsEnded += 1;
    if (this.#partsEnded === 2) this.#exit.reject(why);
  }
}

function startBody(options: KeeperOptions): Buffer {
  const { argv, cwd = "", env = process.env, initialSize = DEFAULT_SIZE, onlcr } = options;
  const variables = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  const strings = [cwd, options.consolePath, options.pidFile, ...argv, ...variables];
  for (const text of strings) refuseNul(text);
  const header = Buffer.alloc(32);
  const onlcrFlags = onlcr === undefined ? 0 : StartFlags.setOnlcr | (onlcr ? StartFlags.onlcrOn : 0);
  const sizeFlags = options.initialSize === undefined ? StartFlags.onlyWithoutSize : 0;
  put32(header, header.length, 0);
  put32(header, onlcrFlags | sizeFlags, 4);
  put16(header, initialSize.columns, 12);
  put16(header, initialSize.rows, 14);
  put32(header, Math.min(options.drainTimeoutMs, MAX_DRAIN_MS), 16);
  put32(header, LINGER_MS, 20);
  put32(header, argv.length, 24);
  put32(header, variables.length, 28);
  return Buffer.concat([header, ...strings.map((text) => Buffer.from(`${text}\0`))]);
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

// In the shape of child_process.spawn's.
function notStarted(errno: number, command: string): Error {
  const { code } = native.makeError(errno, "spawn");
  const error = new Error(`spawn ${command} ${code}`);
  return Object.assign(error, { code, errno: -errno, syscall: `spawn ${command}`, path: command });
}

function refusedByKeeper(errno: number, text: string): Error {
  return Object.assign(native.makeError(errno, "console-keeper"), { message: `console-keeper: ${text}` });
}
