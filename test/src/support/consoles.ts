// Consoles for tests: of a program that runs behind console-init, and of a peer that plays the program.
import { consoleInitPath } from "console-init";
import { listen, type PtyConsole, type ReceiveConsoleOptions } from "console-socket";
import type { Test } from "tap";
import { type Peer, type PeerStep, startPeer } from "./peer.js";
import { type Program, start } from "./processes.js";

/** Start `command` on a PTY of the host and receive its console. */
export async function consoleOf(
  t: Test,
  command: string[],
  options: ReceiveConsoleOptions = {},
): Promise<{ console: PtyConsole; program: Program }> {
  const listener = await listen(undefined, options);
  try {
    const args = ["--ptmx", "/dev/ptmx", "--console-socket", listener.path, "--", ...command];
    const program = start(t, consoleInitPath(), args);
    return { console: await listener.accept(), program };
  } finally {
    listener.close();
  }
}

/** Receive the console whose terminal a peer holds; `steps` are what it does with it. needs("python3"). */
export async function consoleOfPeer(
  t: Test,
  steps: PeerStep[],
  options: ReceiveConsoleOptions = {},
): Promise<{ console: PtyConsole; peer: Peer }> {
  const listener = await listen(undefined, options);
  try {
    const send: PeerStep = { send: { payload: "/dev/ptmx", fds: ["master"] } };
    const peer = startPeer(t, [{ connect: listener.path }, send, { close: true }, ...steps]);
    return { console: await listener.accept(), peer };
  } finally {
    listener.close();
  }
}
