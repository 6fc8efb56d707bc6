// Starting console-init, in namespaces where they are asked for. Its console comes over a socketpair: there is no path
// that somebody else could listen on or connect to.
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { UnixSocket } from "cmsg";
import { consoleInitPath } from "./console-init-path.js";
import { InitError } from "./errors.js";
import { HeldProcess } from "./held-process.js";
import { checks, checkUser } from "./options.js";
import { planFor, type Sandbox } from "./sandbox.js";
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
  /** Sent to the command when the thread that called this ends, or what stands between: a name, or a number, 1 to 64. */
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
  /** What was started: console-init, or the program that makes the namespaces for it. */
  child: ChildProcess;
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
  /** Never rejects. */
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
}

// The descriptors that console-init is started with.
const CONSOLE_FD = 3;
const HANDSHAKE_FD = 4;
const MAX_STDERR_LENGTH = 64 * 1024;

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
  const [socket, theirs] = UnixSocket.pair();
  try {
    using _theirs = theirs;
    const [handshake, theirHandshake] = UnixSocket.pair();
    try {
      using _theirHandshake = theirHandshake;
      // An unanswered ready is no reason to stay alive; the child is.
      handshake.unref();
      const child = spawn(argv[0] as string, argv.slice(1), {
        cwd: options.cwd,
        env: options.env,
        stdio: ["ignore", "ignore", "pipe", theirs.fd, theirHandshake.fd],
      });
      return follow(child, socket, handshake, plan.forks);
    } catch (error) {
      handshake.close();
      throw error;
    }
  } catch (error) {
    socket.close();
    throw error;
  }
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

function follow(child: ChildProcess, socket: UnixSocket, handshake: UnixSocket, forks: boolean): ConsoleProcess {
  // Before the loop turns: then Node.js has not reaped it.
  const started = HeldProcess.of(child.pid);
  let command: HeldProcess | undefined;
  const exited = ending(child).then((exit) => {
    started.close();
    command?.close();
    return exit;
  });
  const ready = whenReady(handshake, exited).then(() => {
    command = forks ? started.holdOnlyChild() : started;
    return command?.pid;
  });
  ready.catch(() => {}); // who asks for it is told; who does not has `exited`
  // Should that fail there is nobody to tell, and the number is free.
  exited.then(() => handshake.close()).catch(() => {});
  return {
    child,
    socket,
    ready,
    exited,
    go: () => handshake.send(Buffer.from("g")),
    kill(signal = "SIGTERM") {
      const number = checks.signalNumber("signal", signal);
      return command ? command.kill(number) : started.kill(constants.signals.SIGKILL);
    },
    [Symbol.dispose]: () => socket.close(),
  };
}

function ending(child: ChildProcess): Promise<ConsoleExit> {
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    if (stderr.length < MAX_STDERR_LENGTH) stderr += text;
  });
  return new Promise((resolve) => {
    // Not "close": a process that the command left behind can hold standard error for as long as it likes.
    child.once("exit", (code, signal) => {
      const end = () => {
        child.stderr?.destroy();
        resolve({ code, signal, stderr });
      };
      // What it said is in the pipe by now, and between two of these the loop looks at its pipes once.
      setImmediate(() => setImmediate(end));
    });
    child.once("error", (error) => {
      if (child.pid === undefined) resolve({ code: 127, signal: null, stderr: error.message });
    });
  });
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
