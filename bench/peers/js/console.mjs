// console CASE KIND SIZE PROGRAM: one measurement of consoles, in a process of its own, the same for each kind of
// terminals.mjs. PROGRAM is the path of program.c's. Prints its figures as JSON.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { ReadStream } from "node:tty";
import { fileURLToPath } from "node:url";
import { recvFile, UnixServer } from "../../../packages/cmsg/dist/index.js";
import { PtyConsole } from "../../../packages/console-socket/dist/index.js";
import { openPty } from "../../../packages/init/dist/index.js";
import { given, started } from "./terminals.mjs";

const [name, kind, sizeText, program] = process.argv.slice(2);
const size = Number(sizeText);

const cases = {
  /** SIZE bytes of output, from the first byte on. */
  output() {
    const terminal = given(kind, [program, "flood", sizeText]);
    return new Promise((resolve) => {
      let seen = 0;
      let start;
      let before;
      terminal.onData((chunk) => {
        if (seen === 0) [start, before] = [performance.now(), process.cpuUsage()];
        seen += chunk.length;
        if (seen === size) resolve(rates(start, before));
      });
    });
  },
  /** The same while the event loop has 1 ms of other work in each turn. */
  busy() {
    const work = () => {
      for (const until = performance.now() + 1; performance.now() < until; );
      setImmediate(work);
    };
    setImmediate(work);
    return cases.output();
  },
  /** SIZE programs that write 64 KiB and exit at once: how many lost output. */
  async lost() {
    let lost = 0;
    for (let n = 0; n < size; n++) {
      let seen = 0;
      const terminal = started(kind, [program, "burst", "65536"]);
      terminal.onData((chunk) => {
        seen += chunk.length;
      });
      await terminal.ended;
      if (seen < 65536) lost++;
    }
    return { lost };
  },
  /** SIZE keystrokes, each after the echo of the last. */
  async echo() {
    const { p50, p99 } = await type(given(kind, [program, "echo"]));
    return { p50, p99 };
  },
  /** The same beside a console whose program writes without end, in the same process; a key each 10 ms. */
  async typist() {
    let flooded = 0;
    started(kind, [program, "endless"]).onData((chunk) => {
      flooded += chunk.length;
    });
    const { worst } = await type(given(kind, [program, "echo"]), 10);
    if (flooded === 0) throw new Error("there was no flood");
    return { worst: worst / 1000 };
  },
  /** SIZE bytes pasted at once, until the program has read them all. */
  async paste() {
    const terminal = given(kind, [program, "sink", sizeText]);
    const said = listen(terminal);
    await said();
    const text = Buffer.alloc(size, "x");
    const before = process.cpuUsage();
    const start = performance.now();
    const done = said();
    terminal.write(text);
    await done;
    return rates(start, before);
  },
  /** SIZE consoles at rest: resident memory of each, threads that came with them, and CPU of a second of nothing. */
  async idle() {
    const held = [];
    for (let n = 0; n < 50; n++) held.push(idleConsole());
    // What the start left behind is collected first: else it would go later and hide what the consoles take.
    for (let n = 0; n < 3; n++) {
      collect();
      await delay(300);
    }
    const before = state();
    for (let n = 0; n < size; n++) held.push(idleConsole());
    await delay(500);
    const after = state();
    await delay(500);
    const cpu = process.cpuUsage();
    await delay(1000);
    const { user, system } = process.cpuUsage(cpu);
    return {
      memory: (after.rss - before.rss) / 1024 / size,
      threads: after.threads - before.threads,
      cpu: (user + system) / 1000,
    };
  },
  /** SIZE seconds under a sender that clears O_NONBLOCK and steals: the longest the event loop stood still. */
  async stall() {
    const server = await UnixServer.listen(join(tmpdir(), `bench-stall-${process.pid}`));
    const tamper = fileURLToPath(new URL("../../../test/fixtures/tamper.py", import.meta.url));
    const attacker = spawn("python3", [tamper, server.path, "clear"], { stdio: ["pipe", "ignore", "inherit"] });
    attacker.once("exit", (status) => process.exit(status || 1));
    const { fd } = await recvFile(await server.accept());
    const histogram = monitorEventLoopDelay({ resolution: 1 });
    histogram.enable();
    await delay(50);
    histogram.reset();
    const terminal = kind === "console-socket" ? PtyConsole.fromFd(fd) : new ReadStream(fd.release());
    terminal.on("error", () => undefined).on("data", () => undefined);
    await delay(size * 1000);
    attacker.removeAllListeners("exit").kill("SIGKILL");
    server.close();
    return { stall: histogram.max / 1e6 };
  },
};

function idleConsole() {
  if (kind === "node-pty") return started(kind, [program, "rest"]).onData(() => undefined);
  const { ptmx, peer } = openPty({ ptmx: "/dev/ptmx" });
  const terminal = kind === "console-socket" ? PtyConsole.fromFd(ptmx) : new ReadStream(ptmx.release());
  return [terminal.on("data", () => undefined), peer];
}

function collect() {
  if (!globalThis.gc) throw new Error("--expose-gc is missing");
  globalThis.gc();
}

function state() {
  collect();
  return { rss: process.memoryUsage().rss, threads: readdirSync("/proc/self/task").length };
}

/** A function that gives a promise of the next output. */
function listen(terminal) {
  let heard = (/** @type {unknown} */ _nothing = undefined) => {};
  terminal.onData(() => heard());
  return () =>
    new Promise((resolve) => {
      heard = resolve;
    });
}

/** Microseconds from each key to its echo. */
async function type(terminal, pauseMs) {
  const next = listen(terminal);
  await next();
  const times = [];
  for (let n = 0; n < size; n++) {
    if (pauseMs) await delay(pauseMs);
    const echo = next();
    const start = performance.now();
    terminal.write("k");
    await echo;
    times.push((performance.now() - start) * 1000);
  }
  times.sort((a, b) => a - b);
  return { p50: times[Math.floor(size * 0.5)], p99: times[Math.floor(size * 0.99)], worst: times.at(-1) };
}

function rates(start, before) {
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - start) / 1000, cpu: ((user + system) / 1e6 / size) * 2 ** 30 };
}

process.stdout.write(`${JSON.stringify(await cases[name]())}\n`, () => process.exit());
