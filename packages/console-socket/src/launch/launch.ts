// Starting a container with a runtime's command line, and knowing how it ends.
//
// Between this process and the runtime stands console-monitor, which inherits what the runtime leaves behind: were this
// process the subreaper itself, it would inherit the orphans of all its other children too.
import { constants } from "node:os";
import { throwIfAborted } from "cmsg-native";
import { checkConsoleOptions, type PtyConsoleOptions } from "../console/pty-console-options.js";
import { withDeadline } from "../deadline.js";
import { ConsoleSocketError } from "../errors.js";
import { checks, checkTimeout } from "../options.js";
import { findContainer, holdProcess } from "../process/find-container.js";
import { checkArguments, fillIn } from "./launch-arguments.js";
import { noConsole, notOurs, runtimeFailed } from "./launch-errors.js";
import { LaunchSocket } from "./launch-socket.js";
import { LaunchedContainer } from "./launched.js";
import { MonitorProcess, type RuntimeEnd } from "./monitor-process.js";

export interface LaunchOptions extends Pick<PtyConsoleOptions, "initialSize" | "onHangup"> {
  /** The runtime command's working directory; this process's by default. */
  cwd?: string | undefined;
  /** Its environment; this process's by default. */
  env?: NodeJS.ProcessEnv | undefined;
  /**
   * Whether the terminal makes CR LF of newlines, set on receipt; default: as the runtime left it, which is yes. A shell
   * keeps the settings that it finds at its start. Nothing holds a program back until then: what it writes in its first
   * millisecond can have CR LF all the same, unless it is started afterwards (`create`, then `start`).
   */
  onlcr?: boolean | undefined;
  /**
   * How long the runtime command may take, 1 to 2147483647 ms, or Infinity (the default) for no limit. After that it is sent
   * SIGTERM, and the launch rejects with ERR_CONSOLE_TIMEOUT.
   */
  timeoutMs?: number | undefined;
  /** Aborting sends SIGTERM to the runtime command and rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Runs a runtime's command that starts a container and returns (`run --detach`, `create`, `exec --detach`), and receives
 * its console. In `argv` an argument `{}`, or an option's value `--option={}`, becomes the path of the console socket,
 * `{pid}` that of a pid file; nothing else is changed or added:
 *
 *     launch(["runc", "run", "--detach", "--console-socket", "{}", "--pid-file", "{pid}", "box"])
 *
 * When this process ends, the console is hung up; the container is not killed.
 *
 * @throws LaunchError ERR_CONSOLE_RUNTIME (the command failed), ERR_CONSOLE_GHOST (it failed after it had sent a
 * console), ERR_CONSOLE_NONE (it sent none), ERR_CONSOLE_PID (the container is not its child); ConsoleSocketError
 * ERR_CONSOLE_TIMEOUT, ERR_CONSOLE_MONITOR, ERR_CONSOLE_INVALID_ARG, and what refuses a console; ENOENT, EACCES … when
 * the command cannot be run; the signal's reason.
 */
export async function launch(argv: readonly string[], options: LaunchOptions = {}): Promise<LaunchedContainer> {
  checkArguments(argv);
  checkConsoleOptions(options);
  checkTimeout("timeoutMs", options.timeoutMs);
  checks.abortSignal(options.signal);
  throwIfAborted(options.signal);
  const { initialSize, onHangup, onlcr } = options;
  using socket = await LaunchSocket.open({ initialSize, onHangup, onlcr });
  throwIfAborted(options.signal);
  const { timeoutMs = Number.POSITIVE_INFINITY, signal } = options;
  const launched = await withDeadline({ timeoutMs, signal, timedOut: () => timedOut(timeoutMs) }, (interruption) =>
    run(argv, socket, { ...options, signal: interruption }),
  );
  socket.keep();
  return launched;
}

async function run(
  argv: readonly string[],
  socket: LaunchSocket,
  options: LaunchOptions & { signal: AbortSignal },
): Promise<LaunchedContainer> {
  const monitor = await MonitorProcess.start(fillIn(argv, socket.path, socket.pidFile), options);
  try {
    const launching = monitor.runtimeEnded.then((end) => container(argv[0] ?? "", { monitor, socket, end }));
    return await unlessInterrupted(launching, monitor, options.signal);
  } catch (error) {
    // Nobody waits for it any more; it stays until what the runtime may have left behind has ended.
    monitor.unref();
    throw error;
  }
}

interface Launching {
  monitor: MonitorProcess;
  socket: LaunchSocket;
  end: RuntimeEnd;
}

async function container(command: string, { monitor, socket, end }: Launching): Promise<LaunchedContainer> {
  const failed = end.exit.code !== 0;
  // What is wrong with a console matters less than why the runtime failed.
  const delivery = await socket.take().catch((error: unknown) => {
    if (failed) return undefined;
    throw error;
  });
  if (failed) throw runtimeFailed(command, end, delivery !== undefined);
  if (!delivery) throw noConsole(command, end);
  const { terminal, leader, master } = delivery;
  const pid = await findContainer(monitor, leader, socket.pidFile);
  if (pid === undefined) {
    const seen = `the terminal belongs to ${leader() || "nobody"}, and it left behind ${monitor.children.join(", ") || "none"}`;
    throw notOurs(command, end, seen);
  }
  return new LaunchedContainer(terminal, pid, end.output.toString(), {
    monitor,
    master,
    process: holdProcess(pid, monitor.pid),
  });
}

function unlessInterrupted<Result>(
  launching: Promise<Result>,
  monitor: MonitorProcess,
  interruption: AbortSignal,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      monitor.signalRuntime(constants.signals.SIGTERM);
      reject(interruption.reason);
    };
    // It can have come while the monitor started.
    if (interruption.aborted) end();
    else interruption.addEventListener("abort", end);
    launching.then(resolve, reject);
  });
}

function timedOut(timeoutMs: number): ConsoleSocketError {
  return new ConsoleSocketError(
    "ERR_CONSOLE_TIMEOUT",
    `Expected the runtime command to start a container and return within ${timeoutMs} ms. Commands that wait for the ` +
      "container's end (run without --detach) cannot be launched.",
  );
}
