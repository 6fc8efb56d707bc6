// Starting console-init, in namespaces where they are asked for. Its console comes over a socketpair: there is no path
// that somebody else could listen on or connect to.
import { constants } from "node:os";
import type { UnixSocket } from "cmsg";
import { exitStatus, type ProcessHandle } from "cmsg/process";
import { type StartedProcess, startProcess } from "cmsg-native/start-process";
import { consoleInitPath } from "./console-init-path.js";
import { InitError } from "./errors.js";
import { HeldProcess } from "./held-process.js";
import { checks, checkUser } from "./options.js";
import { planFor, type Sandbox } from "./sandbox.js";
import { Descriptors, type Stderr } from "./start-descriptors.js";
import type { WindowSize } from "./window-size.js";

export interface SpawnConsoleOptions extends Sandbox {
  /** The terminal's size when the command starts: 1 to 65535 columns and rows; 0x0 without it. */
  initialSize?: WindowSize | undefined;
  /** The directory to start in, of this machine. In a `root` the command begins at /. */
  cwd?: string | undefined;
  /** Default: process.env. */
  env?: NodeJS.ProcessEnv | undefined;
  /** The bytes that come with the console; without it /dev/ptmx. */
  name?: string | undefined;
  /** The multiplexer. Default: the host's /dev/ptmx, and with a mount namespace the sandbox's own. */
  ptmx?: string | undefined;
  /** Mount the terminal on /dev/console too. */
  mountConsole?: boolean | undefined;
  /** The user the terminal is given to, from 0 to 4294967294. */
  owner?: number | undefined;
  /**
   * Run the command as this user and group, each from 0 to 4294967294, in no other group. In a user namespace that an ordinary user made, groups
   * that it does not map stay (docs/console-init.md, Groups).
   */
  user?: { uid: number; gid: number } | undefined;
  /** Stay as the command's parent, with PID 1's duties. Default: in a new PID namespace. */
  init?: boolean | undefined;
  /** With `init`, outside a new PID namespace: take in the command's orphans. */
  subreaper?: boolean | undefined;
  /** With `init`: signals go on to the command's process group. */
  group?: boolean | undefined;
  /** Sent to the command when this process ends, or what stands between: a name, or a number, 1 to 64. A Worker's end is none. */
  pdeathsig?: NodeJS.Signals | number | undefined;
  /** Wait for `go()` before the command runs. */
  hold?: boolean | undefined;
  /** Give up when the command does not run by then: 1 to 2147483647 ms, or Infinity (the default) for no limit. */
  timeoutMs?: number | undefined;
}

/** How a process ended; the shape of console-socket's `ExitStatus`. */
export interface ConsoleExit {
  /** The exit status: the command's, or console-init's own (125, 126, 127). Null when a signal ended the process. */
  code: number | null;
  /** The name of the signal that ended it, or null. */
  signal: NodeJS.Signals | null;
  /** What console-init said, or the program that makes the namespaces. The command's own words go to the console. */
  stderr: string;
}

/** A command on a terminal of its own. Disposing of it closes `socket`; `kill` ends the command. */
export interface ConsoleProcess extends Disposable {
  /**
   * What was started: console-init, or the program that makes the namespaces for it. Closed when that has ended. Rejects
   * with why nothing could be started (ENOENT, EAGAIN, EMFILE …), which `exited` tells too; nobody has to listen. It has no
   * descriptor of this process but its own.
   */
  process: Promise<ProcessHandle>;
  /**
   * Where the console arrives: for `receiveConsole()` of console-socket, which closes it. The caller's to close otherwise.
   * Closing it hangs up a console that has not been received.
   */
  socket: UnixSocket;
  /**
   * Resolves once the console is sent and `user` is taken: with the pid, as it is here, of console-init or (without `init`) of the command;
   * undefined when that has ended by now. Rejects with InitError ERR_INIT_FAILED when it ended before: also when it could
   * not become `user`. Afterwards only the command's own start can fail, which `exited` tells.
   */
  ready: Promise<number | undefined>;
  /** Never rejects. Of what could not be started it is status 127. It keeps the event loop alive, unless `unref`. */
  exited: Promise<ConsoleExit>;
  /** With `hold`: lets the command run. */
  go(): Promise<void>;
  /**
   * Sends a signal (a name, or a number from 0 to 64) to the process of `ready`; before that, SIGKILL to what was started.
   * False when it has ended: no other process that has its number by then is signalled. Throws InitError
   * ERR_INIT_INVALID_ARG; CmsgError ERR_CMSG_UNSUPPORTED (before Linux 5.3); EMFILE, ENFILE where no descriptor was left to
   * hold the process with; EPERM.
   */
  kill(signal?: NodeJS.Signals | number): boolean;
  /** Lets this process end before the command. */
  unref(): void;
  ref(): void;
}

// The descriptors that console-init is started with.
const CONSOLE_FD = 3;
const HANDSHAKE_FD = 4;

/**
 * Starts `command` on a terminal of its own and gives the socket on which its console arrives.
 *
 *     using box = spawnConsole("sh", [], { namespaces: { user: true, pid: true, mount: true } });
 *     const terminal = await receiveConsole(box.socket);
 *     await attach(terminal);
 *
 * @throws InitError ERR_INIT_INVALID_ARG, ERR_INIT_NO_TOOL; NativeLoadError ERR_CMSG_NATIVE.
 */
export function spawnConsole(
  command: string,
  args: readonly string[] = [],
  options: SpawnConsoleOptions = {},
): ConsoleProcess {
  checks.argument("command", command);
  checks.strings("args", args);
  checkOptions(options);
  const plan = planFor(options, consoleInitPath());
  const argv = [...plan.argv, ...initArguments(options, plan.ownDevpts), "--", command, ...args];
  const descriptors = new Descriptors();
  const starting = startProcess(argv[0] as string, {
    argv,
    cwd: options.cwd,
    env: options.env,
    descriptors: [
      "null",
      "null",
      descriptors.childs.stderr.fd,
      descriptors.childs.console.fd,
      descriptors.childs.handshake.fd,
    ],
  });
  return follow(
    starting.finally(() => descriptors.closeChilds()),
    descriptors,
    plan.forks,
  );
}

function checkOptions({ initialSize, owner, user, timeoutMs, pdeathsig }: SpawnConsoleOptions): void {
  if (initialSize !== undefined) checks.size("initialSize", initialSize);
  if (owner !== undefined) checks.id("owner", owner);
  if (user !== undefined) checkUser("user", user);
  if (timeoutMs !== undefined) checks.timeMs("timeoutMs", timeoutMs, { never: true });
  if (pdeathsig !== undefined) checks.signalNumber("pdeathsig", pdeathsig, { min: 1 });
}

function initArguments(options: SpawnConsoleOptions, ownDevpts: boolean): string[] {
  const { initialSize, name, owner, user, timeoutMs, pdeathsig, init = Boolean(options.namespaces?.pid) } = options;
  const ptmx = options.ptmx ?? (ownDevpts ? undefined : "/dev/ptmx");
  const valued: Record<string, string | number | false | undefined> = {
    "console-socket-fd": CONSOLE_FD,
    "ready-fd": HANDSHAKE_FD,
    "wait-fd": options.hold && HANDSHAKE_FD,
    size: initialSize && `${initialSize.columns}x${initialSize.rows}`,
    name,
    ptmx,
    owner,
    user: user && `${user.uid}:${user.gid}`,
    timeout: Number.isFinite(timeoutMs) && ((timeoutMs as number) / 1000).toFixed(3),
    // As a number: console-init does not know every name that Node.js has.
    pdeathsig: pdeathsig === undefined ? undefined : checks.signalNumber("pdeathsig", pdeathsig, { min: 1 }),
  };
  const flags = { init, subreaper: options.subreaper, group: options.group, "mount-console": options.mountConsole };
  return [
    ...Object.entries(valued).flatMap(([option, value]) =>
      value === undefined || value === false ? [] : `--${option}=${value}`,
    ),
    ...Object.entries(flags).flatMap(([option, on]) => (on ? `--${option}` : [])),
  ];
}

function follow(
  starting: Promise<StartedProcess>,
  { socket, handshake, stderr }: Descriptors,
  forks: boolean,
): ConsoleProcess {
  let started: StartedProcess | undefined;
  let over = false;
  let killed = false;
  let keepsLoop = true;
  let held: HeldProcess | undefined;
  let command: HeldProcess | undefined;
  const holding = starting.then((one) => {
    started = one;
    if (!keepsLoop) one.unref();
    if (killed) one.kill(constants.signals.SIGKILL);
    held = HeldProcess.of(one.pid);
    return held;
  });
  const process = holding.then(({ handle }) => handle);
  process.catch(() => undefined);
  const exited = ending(starting, stderr).then((exit) => {
    over = true;
    held?.close();
    command?.close();
    handshake.close();
    return exit;
  });
  const ready = whenReady(handshake, exited).then(async () => {
    const held = await holding;
    command = forks ? held.holdOnlyChild() : held;
    return command?.pid;
  });
  ready.catch(() => {}); // who asks for it is told; who does not has `exited`
  return {
    process,
    socket,
    ready,
    exited,
    go: () => handshake.send(Buffer.from("g")),
    kill(signal = "SIGTERM") {
      const number = checks.signalNumber("signal", signal);
      if (command) return command.kill(number);
      if (over) return false;
      killed = true;
      return started?.kill(constants.signals.SIGKILL) ?? true;
    },
    ref() {
      keepsLoop = true;
      started?.ref();
    },
    unref() {
      keepsLoop = false;
      started?.unref();
    },
    [Symbol.dispose]: () => socket.close(),
  };
}

async function ending(starting: Promise<StartedProcess>, stderr: Stderr): Promise<ConsoleExit> {
  try {
    const started = await starting;
    const status = exitStatus(await started.exited);
    return { ...status, stderr: await stderr.end() };
  } catch (error) {
    await stderr.end();
    return { code: 127, signal: null, stderr: (error as Error).message };
  }
}

async function whenReady(handshake: UnixSocket, exited: Promise<ConsoleExit>): Promise<void> {
  // Reset or closed: it has ended, which says more. Any other failure is no end, and none need come.
  const message = await handshake.receive().catch((error: { code?: string }) => {
    if (["ECONNRESET", "ERR_CMSG_CLOSED"].includes(error.code ?? "")) return null;
    throw error;
  });
  if (message) return;
  const { code, signal, stderr } = await exited;
  const ended = signal ? `was ended by ${signal}` : `ended with status ${code}`;
  throw new InitError(
    "ERR_INIT_FAILED",
    `Expected console-init to get ready; what was started ${ended}: ${stderr.trim() || "(silent)"}`,
  );
}
