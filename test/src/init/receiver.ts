// console-init as a program, and the witness that receives from it (fixtures/peer.py shares no code with this project).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { repository } from "../support/paths.js";
import { type Peer, type PeerReport, type PeerStep, startPeer } from "../support/peer.js";
import { type Program, type StartOptions, start } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";

/** CONSOLE_INIT names another build, for example the sanitized one. */
export const consoleInit: string = process.env["CONSOLE_INIT"] ?? join(repository, "native/build/Release/console-init");

/** The one for a root file system of its own, with nothing else in it: a sanitized one needs another build for that. */
export const staticConsoleInit: string = process.env["CONSOLE_INIT_STATIC"] ?? consoleInit;

/** Tap's `skip` for what runs it there. */
export const needsStatic: string | false =
  readFileSync(staticConsoleInit).subarray(0, 4096).includes("/ld-") &&
  "console-init is linked dynamically (no static C library at build time)";

/** The host's multiplexer, which every user may open; its devpts' own is usually closed to all but root. */
export const hostTerminal: string[] = ["--ptmx", "/dev/ptmx"];

/** Reads until the terminal has ended. */
export const toTheEnd: PeerStep = { read: "nothing that a program here prints" };

export interface Receiver {
  socket: string;
  peer: Peer;
  /** What the terminal showed in all `read` steps. */
  shown(): Promise<string>;
}

/** A witness that listens, receives one message, and then does `steps`. */
export async function receiver(t: Test, steps: PeerStep[], socket = join(tempDir(t), "s")): Promise<Receiver> {
  const peer = startPeer(t, [{ listen: socket }, { accept: true }, { receive: true }, ...steps]);
  await peer.step(0);
  const shown = async () => (await peer.done()).map((report: PeerReport) => report.data ?? "").join("");
  return { socket, peer, shown };
}

/** Start console-init on the host, sending to `to`. `through` is a program with its arguments that starts it. */
export function startInit(
  t: Test,
  to: Receiver,
  command: string[],
  { options = [], through = [], ...rest }: StartOptions & { options?: string[]; through?: string[] } = {},
): Program {
  const argv = [...through, consoleInit, ...hostTerminal, "--console-socket", to.socket, ...options, "--", ...command];
  return start(t, argv[0] as string, argv.slice(1), rest);
}
