// A listener and random peers (fixtures/hostile-peer.py), a program of its own:
//
//   node random-peers.js COUNT [SEED] [FIRST]      COUNT sequences from the FIRST on (0); without SEED a new one
//
// After each hundred an honest console goes through: it comes by its name, shows what its program writes and ends. At the
// end every connection has led to a console or a refusal, and no descriptor is open that was not before. The last line
// says how many; its seed plays the same again.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { openPty, sendConsole } from "console-init";
import { listen, type PtyConsole } from "console-socket";
import { openFds } from "../support/open-fds.js";
import { fixture } from "../support/paths.js";
import { until } from "../support/until.js";

const [, , count = "300", seed = String(Date.now()), first = "0"] = process.argv;
let [consoles, refusals, honest] = [0, 0, 0];
const expected = new Map<string, (console: PtyConsole) => void>();

/** A stranger's: read until it ends, whatever becomes of it. */
function drain(console: PtyConsole): void {
  consoles++;
  console.on("error", () => undefined).resume();
}

async function honestConsole(path: string): Promise<void> {
  const name = `honest-${honest}`;
  using pty = openPty({ ptmx: "/dev/ptmx" });
  const arrived = new Promise<PtyConsole>((resolve) => expected.set(name, resolve));
  await sendConsole(path, pty.ptmx, { name });
  pty.ptmx.close();
  const console = await arrived;
  let shown = "";
  console.on("data", (bytes) => {
    shown += bytes;
  });
  const closed = once(console, "close");
  writeSync(pty.peer.fd, "hello");
  pty.peer.close();
  await closed;
  if (shown !== "hello") throw new Error(`an honest console showed ${JSON.stringify(shown)}`);
  honest++;
}

async function accept(listener: Awaited<ReturnType<typeof listen>>): Promise<void> {
  for await (const console of listener) {
    const taker = expected.get(console.name);
    if (!expected.delete(console.name)) drain(console);
    else taker?.(console);
  }
}

async function play(): Promise<void> {
  const listener = await listen(undefined, { silentPeerTimeoutMs: 500 });
  listener.on("refused", () => refusals++);
  const accepting = accept(listener);
  await honestConsole(listener.path);
  const peer = spawn("python3", [fixture("hostile-peer.py"), listener.path, seed, first, count], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(peer, "close");
  let connected = -1;
  for await (const line of createInterface(peer.stdout)) {
    const [what, number] = line.split(" ");
    if (what === "connected") connected = Number(number);
    if (what !== "at") continue;
    await honestConsole(listener.path);
    peer.stdin.write("\n");
  }
  await ended;
  await until(() => consoles + refusals === connected, {
    what: () => `${connected} connections to end: ${consoles} consoles and ${refusals} refusals`,
  });
  await honestConsole(listener.path);
  listener.close();
  await accepting;
}

const before = openFds();
let problem: unknown;
await play().catch((error) => {
  problem = error;
});
const left = () => [...openFds()].filter(([fd, what]) => before.get(fd) !== what);
await until(() => left().length === 0, { what: () => `descriptors to close: ${left().join(" ")}` }).catch((error) => {
  problem ??= error;
});
if (problem) process.stdout.write(`${(problem as Error).stack}\n`);
process.stdout.write(
  `${count} sequences of seed ${seed} from ${first} on: ${consoles} consoles, ${refusals} refused, ${honest} honest ` +
    `consoles, ${problem ? "FAILED" : "nothing left open"}\n`,
);
process.exit(problem ? 1 : 0);
