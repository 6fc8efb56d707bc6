// console-init and console-keeper while their own system calls fail, which is seen by what becomes of the console.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { consoleInitPath, spawnConsole } from "console-init";
import { listen, type PtyConsole, receiveConsole } from "console-socket";
import { containers } from "./containers.js";
import { ending, expect, type Operation } from "./expect.js";

// A program that has its terminal, and is not fooled by another file in its place.
const PROGRAM = 'tty && test -t 1 && test -t 2 && echo "ran" && exit 3';

class InitFailure extends Error {
  readonly code: string;

  constructor(status: number, message: string) {
    super(message);
    this.code = `status ${status}`;
  }
}

/** 3 is the program's own; 125, 126 and 127 are console-init's, which then has said in a line why. */
function judge(status: number | null, signal: string | null, said: string): void {
  expect(signal === null && status !== null, `an exit status, not ${signal}`);
  if (status === 3) return;
  expect([125, 126, 127].includes(status ?? 0), `a status of console-init's, not ${status}: ${said}`);
  expect(/^console-init: .+\n$/.test(said), `a sentence with status ${status}, not ${JSON.stringify(said)}`);
  throw new InitFailure(status ?? 0, said);
}

function shownBy(console: PtyConsole): Promise<string> {
  let shown = "";
  console.on("data", (bytes) => {
    shown += bytes;
  });
  return once(console, "close").then(() => shown);
}

async function init(path: string, options: readonly string[]): Promise<void> {
  using listener = await listen(path, { silentPeerTimeoutMs: Number.POSITIVE_INFINITY });
  const first = listener.accept();
  first.catch(() => undefined);
  const args = ["--ptmx", "/dev/ptmx", "--console-socket", path, ...options, "--", "sh", "-c", PROGRAM, path];
  const child = spawn(consoleInitPath(), args, { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "exit");
  const said = await text(child.stderr);
  const [status, signal] = await ended;
  judge(status, signal, said);
  const console = await first;
  using _console = ending(console);
  const shown = await shownBy(console);
  expect(shown.includes("ran"), `the program on its terminal, not ${JSON.stringify(shown)}`);
}

async function held(place: string): Promise<void> {
  const started = spawnConsole("sh", ["-c", PROGRAM, place], { hold: true, init: true, timeoutMs: 60_000 });
  using _socket = started.socket;
  // Where console-init has ended, its exit says why.
  started.ready.then(() => started.go()).catch(() => undefined);
  const received = receiveConsole(started.socket).then(async (console) => {
    using _console = ending(console);
    return await shownBy(console);
  });
  received.catch(() => undefined);
  const { code, signal, stderr } = await started.exited;
  judge(code, signal, stderr);
  const shown = await received;
  expect(shown.includes("ran"), `the program on its terminal, not ${JSON.stringify(shown)}`);
}

export const executables: Readonly<Record<string, Operation>> = {
  "console-init": (path) => init(path, ["--size", "80x24"]),
  "console-init --init": (path) => init(path, ["--init", "--subreaper", "--group", "--timeout", "60"]),
  "console-init of spawnConsole": held,
  "console-keeper of launch": containers["launch"] as Operation,
  "console-keeper of leave": containers["launch, leave"] as Operation,
};
