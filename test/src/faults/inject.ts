// Runs each operation once for every fault: each system call it makes, in turn, fails with each errno its man page names,
// or is given less room. To be run with fixtures/faults preloaded:
//
//   node inject.js all|some [OPERATION]     "some": one errno for each call, another one each time; and of an operation
//                                           that starts processes every third
//
// A fault is survived when the operation then succeeds, or rejects with an error that has a code and says something; no
// descriptor is left open, no process, no file; and nothing was thrown where nobody catches it. Each other fault is a
// line; the last line is the count. What hangs is noticed by the event loop that has nothing left to wait for, and by
// who started this.
import { writeSync } from "node:fs";
import { untraceable } from "../support/traced.js";
import { attemptAlone } from "./alone.js";
import { attempt, type Outcome } from "./attempt.js";
import { impossible, operations, operationsAlone, operationsOfExecutables, slow } from "./operations/index.js";
import { faultsOf, underStrace } from "./steering.js";

const SLOW_STEP = 3;

// Generous: only what never ends meets it.
const STUCK_MS = 20_000;

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

function begin(what: string): void {
  now = what;
  since = performance.now();
}

async function everyFault(name: string, run: (order: string) => Promise<Outcome>, strace = false): Promise<void> {
  if (only !== undefined && only !== name) return;
  begin(name);
  // Twice: what is opened once and kept is there afterwards.
  let whole = await run("count");
  if (whole.failure === undefined) whole = await run("count");
  if (whole.failure !== undefined || whole.problems.length > 0) {
    process.stdout.write(`FAIL ${name}, while nothing fails: ${[whole.failure, ...whole.problems].join("; ")}\n`);
    injected++;
    return;
  }
  const every = amount !== "all" && slow.has(name) ? SLOW_STEP : 1;
  for (const [index, { order, what }] of faultsOf(whole.counts, { all: amount === "all", strace }).entries()) {
    if (index % every !== 0) continue;
    if (impossible[name]?.test(what)) continue;
    begin(`${name}: ${what}`);
    process.stderr.write(now);
    const { hit, failure = "success", problems } = await run(order);
    process.stderr.write(`: ${hit ? failure : "not reached"}\n`);
    if (!hit) continue;
    injected++;
    if (problems.length === 0) survived++;
    else process.stdout.write(`FAIL ${now}: ${problems.join("; ")}\n`);
  }
}

async function everything(): Promise<void> {
  for (const [name, operation] of Object.entries(operations))
    await everyFault(name, (order) => attempt(operation, order));
  for (const name of Object.keys(operationsAlone)) await everyFault(name, (order) => attemptAlone(name, order));
  for (const [name, operation] of Object.entries(untraceable ? {} : operationsOfExecutables))
    await everyFault(name, (order) => attempt(operation, order, underStrace), true);
}

// What is thrown here is nobody's fault but this program's, whose handler of uncaught errors would keep it to itself.
await everything().catch((error: Error) => {
  process.stdout.write(`${error.stack}\n`);
  process.exit(1);
});
now = "";
process.stdout.write(`${injected} faults injected, ${survived} survived\n`);
process.exitCode = injected > 0 && survived === injected ? 0 : 1;
