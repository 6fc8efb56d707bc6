// Starting a container with a runtime's command line, and knowing how it ends.
//
// console-keeper stands between this process and the runtime. It has the console's master, and inherits the processes that
// the runtime leaves. A subreaper inherits every orphan, so this process must not be one: it has other children.
import { join } from "node:path";
import { throwIfAborted } from "cmsg-native";
import { checkConsoleOptions, type PtyConsoleOptions } from "../console/pty-console-options.js";
import { withDeadline } from "../deadline.js";
import { ConsoleSocketError } from "../errors.js";
import { checks, checkTimeout } from "../options.js";
import { type PrivatePlace, privatePlace } from "../receive/socket-place.js";
import { Keeper } from "./keeper.js";
import { checkArguments, fillIn } from "./launch-arguments.js";
import { keeperGone, noConsole, notOurs, refusalOf, runtimeFailed } from "./launch-errors.js";
import { LaunchedContainer } from "./launched.js";

// In the private directory. runc writes the first and renames it to the second: who looks in this order misses neither.
const NAMES = [".pid", "pid", "c"];
const DEFAULT_DRAIN_MS = 1000;
const DEFAULT_GRACE_MS = 5000;
// How long what was sent SIGKILL may take to die.
const KILLED_MS = 2000;

export interface LaunchOptions extends Pick<PtyConsoleOptions, "initialSize" | "onlcr"> {
  /** The runtime command's working directory; this process's by default. */
  cwd?: string | undefined;
  /** Its environment; this process's by default. */
  env?: NodeJS.ProcessEnv | undefined;
  /**
   * Whether the console ends when no process has the terminal open. `'wait'` (default): it stays until the container has
   * ended, for a program that closes its terminal and opens it again, as systemd does. `'end'`: it ends.
   */
  onHangup?: "end" | "wait" | undefined;
  /**
   * How long to read on after the container's end while other processes keep the terminal open: 0 to 2147483647 ms (default 1000), or
   * Infinity, which waits until no process has the terminal open. Time in which this process does not read does not count.
   */
  drainTimeoutMs?: number | undefined;
  /**
   * How long the runtime command may take, 1 to 2147483647 ms, or Infinity (the default) for no limit. After that what was
   * begun is ended as by `signal`, and the launch rejects with ERR_CONSOLE_TIMEOUT.
   */
  timeoutMs?: number | undefined;
  /**
   * Aborting sends SIGTERM to the runtime command, and after `graceMs` SIGKILL to it and to all that it left behind. The
   * launch rejects with the signal's reason when they have ended, 2 s after SIGKILL at the latest.
   */
  signal?: AbortSignal | undefined;
  /** From 0 to 2147483647 ms; default 5000. */
  graceMs?: number | undefined;
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
 * ERR_CONSOLE_TIMEOUT, ERR_CONSOLE_KEEPER, ERR_CONSOLE_INVALID_ARG, and what refuses a console; ENOENT, EACCES … when
 * the command cannot be run; the signal's reason.
 */
export async function launch(argv: readonly string[], options: LaunchOptions = {}): Promise<LaunchedContainer> {
  checkArguments(argv);
  checkConsoleOptions(options);
  checkTimeout("timeoutMs", options.timeoutMs);
  if (options.graceMs !== undefined) checks.timeMs("graceMs", options.graceMs, { min: 0 });
  if (options.drainTimeoutMs !== undefined)
    checks.timeMs("drainTimeoutMs", options.drainTimeoutMs, { min: 0, never: true });
  checks.abortSignal(options.signal);
  throwIfAborted(options.signal);
  const { timeoutMs = Number.POSITIVE_INFINITY, signal } = options;
  // A private directory: nobody but this user and root gets at the socket.
  const place = privatePlace(NAMES);
  try {
    return await withDeadline({ timeoutMs, signal, timedOut: () => timedOut(timeoutMs) }, (interruption) =>
      run(argv, place, { ...options, signal: interruption }),
    );
  } finally {
    place.remove();
  }
}

async function run(
  argv: readonly string[],
  { directory, address }: PrivatePlace,
  options: LaunchOptions & { signal: AbortSignal },
): Promise<LaunchedContainer> {
  const { cwd, env, initialSize, onlcr, onHangup = "wait", drainTimeoutMs = DEFAULT_DRAIN_MS } = options;
  const consolePath = address as string;
  const pidFile = join(directory, "pid");
  const keeper = await Keeper.start({
    argv: fillIn(argv, consolePath, pidFile),
    ...{ cwd, env, consolePath, pidFile, initialSize, onlcr, onHangup, drainTimeoutMs },
  });
  try {
    return await unlessInterrupted(container(argv[0] ?? "", keeper), keeper, options);
  } catch (error) {
    keeper.abandon(options.graceMs ?? DEFAULT_GRACE_MS);
    throw error;
  }
}

async function container(command: string, keeper: Keeper): Promise<LaunchedContainer> {
  const end = await keeper.runtimeEnded;
  const arrived = (await keeper.terminal.hasArrived()) || end.consoleCame;
  if (end.exit.code !== 0) throw runtimeFailed(command, end, arrived);
  // What is wrong with a console matters less than why the runtime failed.
  if (!arrived && keeper.terminal.destroyed) throw keeperGone();
  if (!arrived) throw keeper.refusal === undefined ? noConsole(command, end) : refusalOf(keeper.refusal);
  const process = await keeper.container;
  if (process === undefined) throw notOurs(command, end);
  return new LaunchedContainer(keeper, { ...process, output: end.output.toString() });
}

/** On an interruption nothing is left running: it rejects when what was begun has ended. */
function unlessInterrupted<Result>(
  launching: Promise<Result>,
  keeper: Keeper,
  { signal, graceMs = DEFAULT_GRACE_MS }: LaunchOptions & { signal: AbortSignal },
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      keeper.stop(graceMs);
      const give = (): void => reject(signal.reason);
      // What is stuck in the kernel is not waited for.
      const timer = setTimeout(give, graceMs + KILLED_MS);
      keeper.ended.then(() => {
        clearTimeout(timer);
        give();
      });
    };
    // It can have come while the keeper started.
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
    // What comes now is being ended, and is given to nobody.
    launching.then(
      (launched) => {
        if (!signal.aborted) resolve(launched);
      },
      (error) => {
        if (!signal.aborted) reject(error);
      },
    );
  });
}

function timedOut(timeoutMs: number): ConsoleSocketError {
  return new ConsoleSocketError(
    "ERR_CONSOLE_TIMEOUT",
    `Expected the runtime command to start a container and return within ${timeoutMs} ms. Commands that wait for the ` +
      "container's end (run without --detach) cannot be launched.",
  );
}
