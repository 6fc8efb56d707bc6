// One measurement in a process of its own: node case.mjs CASE KIND SIZE prints its figures as JSON.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { ReadStream } from "node:tty";
import { fileURLToPath } from "node:url";
import { recvFile, UnixServer } from "../../packages/cmsg/dist/index.js";
import { PtyConsole } from "../../packages/console-socket/dist/index.js";
import { openPty } from "../../packages/init/dist/index.js";
import { kinds } from "./terminals.mjs";

const [name, kind, sizeText] = process.argv.slice(2);
const size = Number(sizeText);
const raw = (command) => ["sh", "-c", `stty raw -echo; ${command}`];

const cases = {
  /** SIZE MiB of output. */
  async output() {
    const bytes = size * 2 ** 20;
    const terminal = kinds[kind](raw(`exec head -c ${bytes} /dev/zero`));
    return pump(terminal, bytes);
  },
  /** The same while the event loop has 1 ms of other work in each turn. */
  async busy() {
    const work = () => {
      for (const until = performance.now() + 1; performance.now() < until; );
      turn = setImmediate(work);
    };
    let turn = setImmediate(work);
    const figures = await cases.output();
    clearImmediate(turn);
    return figures;
  },
  /** SIZE programs that write 64 KiB and exit at once: how many lost output. */
  async lost() {
    let lost = 0;
    for (let n = 0; n < size; n++) {
      let seen = 0;
      const terminal = kinds[kind](raw("head -c 65536 /dev/zero"));
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
    const terminal = kinds[kind](raw("echo r; exec cat"));
    let heard = () => undefined;
    const next = () =>
      new Promise((resolve) => {
        heard = resolve;
      });
    const ready = next();
    terminal.onData(() => heard());
    await ready;
    await delay(200);
    const times = [];
    for (let n = 0; n < size; n++) {
      const start = performance.now();
      const echo = next();
      terminal.write("k");
      await echo;
      times.push((performance.now() - start) * 1000);
    }
    terminal.close();
    times.sort((a, b) => a - b);
    return { p50: times[Math.floor(size * 0.5)], p99: times[Math.floor(size * 0.99)] };
  },
  /** SIZE MiB pasted at once. */
  async paste() {
    const bytes = size * 2 ** 20;
    const terminal = kinds[kind](raw(`echo r; head -c ${bytes} >/dev/null; echo d`));
    const ready = new Promise((resolve) => {
      terminal.onData(resolve);
    });
    await ready;
    const before = process.cpuUsage();
    const start = performance.now();
    terminal.write(Buffer.alloc(bytes, "x"));
    await terminal.ended;
    return rates(bytes, start, before);
  },
  /** SIZE consoles at rest: resident memory of each, threads that came with them, and CPU of a second of nothing. */
  async idle() {
    const held = [];
    const one = () => {
      const { ptmx, peer } = openPty({ ptmx: "/dev/ptmx" });
      const terminal = kind === "console-socket" ? PtyConsole.fromFd(ptmx) : new ReadStream(ptmx.release());
      held.push([terminal.on("data", () => undefined), peer]);
    };
    for (let n = 0; n < 50; n++) one();
    const measure = () => {
      globalThis.gc();
      return { rss: process.memoryUsage().rss, threads: readdirSync("/proc/self/task").length };
    };
    const before = measure();
    for (let n = 0; n < size; n++) one();
    await delay(200);
    const after = measure();
    const cpu = process.cpuUsage();
    await delay(1000);
    const { user, system } = process.cpuUsage(cpu);
    return {
      kibEach: (after.rss - before.rss) / 1024 / size,
      threads: after.threads - before.threads,
      idleCpuMs: (user + system) / 1000,
    };
  },
  /** SIZE seconds under a sender that clears O_NONBLOCK and steals: the longest the event loop stood still. */
  async stall() {
    const server = await UnixServer.listen(join(tmpdir(), `bench-stall-${process.pid}`));
    const tamper = fileURLToPath(new URL("../../test/fixtures/tamper.py", import.meta.url));
    const attacker = spawn("python3", [tamper, server.path, "clear"], { stdio: ["pipe", "ignore", "inherit"] });
    attacker.once("exit", (status) => process.exit(status ?? 0));
    const connection = await server.accept();
    const { fd } = await recvFile(connection);
    const histogram = monitorEventLoopDelay({ resolution: 1 });
    histogram.enable();
    await delay(50);
    histogram.reset();
    const terminal = kind === "console-socket" ? PtyConsole.fromFd(fd) : new ReadStream(fd.release());
    terminal.on("error", () => undefined).on("data", () => undefined);
    await delay(size * 1000);
    attacker.removeAllListeners("exit").kill("SIGKILL");
    server.close();
    return { stallMs: histogram.max / 1e6 };
  },
};

async function pump(terminal, bytes) {
  let seen = 0;
  let start = 0;
  let before;
  terminal.onData((chunk) => {
    if (seen === 0) {
      start = performance.now();
      before = process.cpuUsage();
    }
    seen += chunk.length;
  });
  await terminal.ended;
  return { ...rates(seen, start, before), missing: bytes - seen };
}

function rates(bytes, start, before) {
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(before);
  return { mbPerSecond: bytes / 1e6 / seconds, cpuSecondsPerGiB: ((user + system) / 1e6 / bytes) * 2 ** 30 };
}

process.stdout.write(JSON.stringify(await cases[name]()));
process.exit();
