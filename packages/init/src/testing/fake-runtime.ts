import { closeSync, openSync } from "node:fs";
import { type Fd, type UnixAddress, UnixSocket } from "cmsg";
import { openPty, type Pty } from "../pty.js";
import type { WindowSize } from "../window-size.js";
import { FakeProgram } from "./fake-program.js";

/** What each names its console: runc 1.1 and youki, runc since 1.3, crun, gVisor; conmon's kind of sender. */
export const FAKE_RUNTIMES = {
  runc: "/dev/ptmx",
  "runc-1.3": "/dev/pts/ptmx",
  crun: " ",
  youki: "/dev/ptmx",
  gvisor: "pty-master",
  "nul-terminated": "/dev/ptmx\0",
} as const;

export type FakeRuntimeName = keyof typeof FAKE_RUNTIMES;

/** The ways to break the contract. */
export const FAULTS = {
  ghost: "The console's program has never begun: runc with a command that does not exist.",
  silent: "It connects, and sends nothing.",
  "no-message": "It connects and closes: crun with a command that does not exist.",
  "no-fd": "The message has no descriptor.",
  "two-fds": "The message has two consoles.",
  "not-a-terminal": "The descriptor is /dev/null.",
  "long-name": "The name has 4096 bytes, one more than runc takes.",
} as const;

export type Fault = keyof typeof FAULTS;

export interface FakeRuntimeOptions {
  /** Default: runc. */
  runtime?: FakeRuntimeName | undefined;
  fault?: Fault | undefined;
  /** The runtime's consoleSize; 0x0 without it. */
  initialSize?: WindowSize | undefined;
  /** Keep the connection open until the program exits, as crun in the foreground does; otherwise it is closed at once. */
  keepConnection?: boolean | undefined;
  /** Default: the host's /dev/ptmx. */
  ptmx?: string | undefined;
}

/**
 * Connects to a receiver (a path, `{abstract: name}`, or a connected socket, which is taken) and sends what `runtime`
 * sends, or what `fault` says. The program that is given plays the other side of the console; with a fault there is
 * nothing to play, and its `exit()` closes what is still open.
 *
 * @throws what `UnixSocket.connect`, `UnixSocket.send` and `openPty` throw.
 */
export async function fakeRuntime(
  to: UnixAddress | UnixSocket,
  { runtime = "runc", fault, initialSize, keepConnection = false, ptmx = "/dev/ptmx" }: FakeRuntimeOptions = {},
): Promise<FakeProgram> {
  const terminals = [openPty({ ptmx, initialSize })];
  if (fault === "two-fds") terminals.push(openPty({ ptmx }));
  const [terminal] = terminals as [Pty];
  const program = terminal.peer;
  let connection: UnixSocket | undefined;
  try {
    connection = to instanceof UnixSocket ? to : await UnixSocket.connect(to);
    if (fault === "ghost") terminal.peer.close();
    if (fault !== "silent" && fault !== "no-message") await send(connection, FAKE_RUNTIMES[runtime], fault, terminals);
  } catch (error) {
    connection?.close();
    program.close();
    throw error;
  } finally {
    for (const { ptmx } of terminals) ptmx.close();
    terminals[1]?.peer.close();
  }
  const kept = connection;
  if (!keepConnection && fault !== "silent") kept.close();
  return new FakeProgram(fault === "ghost" ? undefined : program, () => kept.close());
}

async function send(
  connection: UnixSocket,
  payload: string,
  fault: Fault | undefined,
  terminals: Pty[],
): Promise<void> {
  const name = Buffer.from(fault === "long-name" ? "x".repeat(4096) : payload);
  if (fault === "not-a-terminal") {
    const file = openSync("/dev/null", "r+");
    try {
      await connection.send(name, [file]);
    } finally {
      closeSync(file);
    }
    return;
  }
  const fds: Fd[] = fault === "no-fd" ? [] : terminals.map(({ ptmx }) => ptmx);
  await connection.send(name, fds);
}
