// Runs each operation once for every fault: each system call it makes, in turn, fails with each errno its man page names,
// or is given less room. To be run with fixtures/faults.c preloaded:
//
//   node inject.js all|some [OPERATION]     "some": one errno for each call, another one each time
//
// A fault is survived when the operation then succeeds or rejects with an error that has a code, no descriptor is left
// open, and nothing was thrown where nobody catches it. Each other fault is a line; the last line is the count. What
// hangs is noticed by the event loop that has nothing left to wait for, and by who started this.
import { mkdtempSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type OpenFds, openFds } from "../support/open-fds.js";
import { errnosOf } from "./errnos.js";
import { type Operation, operations } from "./operations.js";

const CONTROL = 0x7ffffff0;

interface Fault {
  order: string;
  what: string;
}

function order(text: string): void {
  writeSync(CONTROL, text);
}

function report(): { hit: boolean; counts: [call: string, count: number][] } {
  const buffer = Buffer.alloc(4096);
  const [hit, ...counts] = buffer.toString("latin1", 0, readSync(CONTROL, buffer)).split(" ");
  return {
    hit: hit === "hit",
    counts: counts.map((text) => text.split("=")).map(([call, n]) => [call ?? "", Number(n)]),
  };
}

function faultsOf(counts: [call: string, count: number][], all: boolean): Fault[] {
  const faults: Fault[] = [];
  for (const [call, count] of counts) {
    const errnos = errnosOf(call);
    for (let k = 1; k <= count; k++) {
      const chosen = all ? errnos : [errnos[faults.length % errnos.length] as (typeof errnos)[0]];
      for (const { name, number } of chosen)
        faults.push({ order: `fail ${call} ${k} ${number}`, what: `${call} #${k} ${name}` });
      if (["read", "write", "sendmsg", "recvmsg"].includes(call))
        faults.push({ order: `short ${call} ${k} 0`, what: `${call} #${k} short` });
      if (call === "recvmsg") faults.push({ order: `cut ${call} ${k} 0`, what: `${call} #${k} without room` });
    }
  }
  return faults;
}

let uncaught: unknown[] = [];
process.on("uncaughtException", (error) => uncaught.push(error));
process.on("unhandledRejection", (error) => uncaught.push(error));

/** What is wrong, or undefined. */
function judge(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  const { code, error: inner } = error as { code?: unknown; error?: unknown };
  if (typeof code === "string") return undefined;
  // What `using` makes of two failures, SuppressedError, has the second one inside.
  return inner === undefined ? String((error as Error).stack ?? error) : judge(inner);
}

/** What is open and was not; waits a moment for what is closed by a thread or at the end of a turn. */
async function left(before: OpenFds): Promise<string[]> {
  let surplus: string[] = [];
  for (let look = 0; look < 200; look++) {
    surplus = [...openFds()].filter(([fd, what]) => before.get(fd) !== what).map(([fd, what]) => `${fd} -> ${what}`);
    if (surplus.length === 0) return surplus;
    await (look < 5 ? new Promise(setImmediate) : delay(10));
  }
  return surplus;
}

async function attempt(operation: Operation, instruction: string): Promise<{ error: unknown; thrown: unknown[] }> {
  const place = mkdtempSync(join(tmpdir(), "f-"));
  uncaught = [];
  let error: unknown;
  try {
    order(instruction);
    await operation(join(place, "s"));
  } catch (thrown) {
    error = thrown ?? new Error("rejected with nothing");
  } finally {
    order("stop");
  }
  await new Promise(setImmediate);
  rmSync(place, { recursive: true, force: true });
  return { error, thrown: uncaught };
}

// Generous: only what never ends meets it.
const STUCK_MS = 10_000;

let now = "the beginning";
let since = performance.now();
setInterval(() => {
  if (performance.now() - since > STUCK_MS) process.exit(1);
}, 1000).unref();
process.on("exit", () => {
  if (now === "") return;
  writeSync(1, `HANG ${now}: it does not end\n`);
  process.exitCode = 1;
});

const [, , amount = "some", only] = process.argv;
let [injected, survived] = [0, 0];
for (const [name, operation] of Object.entries(operations)) {
  if (only !== undefined && only !== name) continue;
  now = name;
  since = performance.now();
  // Twice: what is opened once and kept is there afterwards.
  for (let i = 0; i < 2; i++) {
    const { error } = await attempt(operation, "count");
    if (error) throw error;
  }
  const { counts } = report();
  for (const { order: instruction, what } of faultsOf(counts, amount === "all")) {
    now = `${name}: ${what}`;
    since = performance.now();
    process.stderr.write(`${now}\n`);
    const before = openFds();
    const { error, thrown } = await attempt(operation, instruction);
    const { hit } = report();
    const open = await left(before);
    if (!hit) continue;
    injected++;
    const problems = [judge(error), ...thrown.map((one) => `thrown where nobody catches: ${(one as Error)?.stack}`)];
    if (open.length > 0) problems.push(`left open: ${open.join(", ")}`);
    const wrong = problems.filter((problem) => problem !== undefined);
    if (wrong.length === 0) survived++;
    else process.stdout.write(`FAIL ${now}: ${wrong.join("; ")}\n`);
  }
}
now = "";
process.stdout.write(`${injected} faults injected, ${survived} survived\n`);
process.exitCode = injected > 0 && survived === injected ? 0 : 1;
