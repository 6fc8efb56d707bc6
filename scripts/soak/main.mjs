// pnpm soak: consoles come and go for a long time, and afterwards this process is as it was.
//   node scripts/soak/main.mjs [--minutes 10] [--held 4000] [--runtime runc]… [--plot FILE.svg]
// Runtimes need root and busybox-static; with --runtime none no container is started. The exit status is 1 when a byte was
// wrong, memory still grew in the last quarter, or a descriptor or thread is left; the last line has the figures.
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { container, Held, hostile, program } from "./load.mjs";
import { Measurement } from "./measure.mjs";
import { svg } from "./plot.mjs";

// Of kernel.pty.max the kernel keeps so many for terminals of the first devpts: those of containers get none of them.
const RESERVED = 1024;
const SPARE = 128;
const RUNTIMES = { runc: ["runc"], none: undefined };

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    held: { type: "string", default: "4000" },
    runtime: { type: "string", default: "runc" },
    plot: { type: "string" },
  },
});
const [minutes, count] = [Number(values.minutes), Number(values.held)];
if (!(minutes > 0) || !Number.isInteger(count) || !Object.hasOwn(RUNTIMES, values.runtime)) {
  console.error(`soak: --minutes and --held are numbers, --runtime is one of ${Object.keys(RUNTIMES).join(", ")}`);
  process.exit(2);
}
const runtime = RUNTIMES[values.runtime];
const room = Number(readFileSync("/proc/sys/kernel/pty/max", "utf8")) - (runtime ? RESERVED : 0) - SPARE;
if (count > room) {
  console.error(
    `soak: kernel.pty.max leaves ${room} terminals, not ${count}: sysctl kernel.pty.max=${count + RESERVED + SPARE}`,
  );
  process.exit(2);
}

const done = { programs: 0, floods: 0, containers: 0, refused: 0, bytes: 0 };
const kinds = [
  async () => {
    done.bytes += await program(3000);
    done.programs++;
  },
  async () => {
    done.bytes += await program(300_000);
    done.floods++;
  },
  async () => {
    done.refused += await hostile();
  },
];
if (runtime) {
  kinds.push(async () => {
    done.bytes += await container(runtime);
    done.containers++;
  });
}

// What is opened once and stays (the reactor's epoll, libuv's own) is there before the first look, and so are the threads.
for (const kind of kinds) await kind();
await new Held(1).end();
const before = new Measurement();
before.take();

const held = new Held(count);
const measurement = new Measurement();
const end = performance.now() + minutes * 60_000;
const running = () => performance.now() < end;
const timer = setInterval(() => measurement.take(), 1000);
const loops = kinds.map(async (kind) => {
  while (running()) await kind();
});
loops.push(
  (async () => {
    while (running()) {
      await held.speak(50);
      await delay(20);
    }
  })(),
);
await Promise.all(loops);
clearInterval(timer);
await held.end();
done.bytes += held.bytes;
await delay(1000); // the closer thread's last
before.take();

const [first, last] = before.samples;
const { summary, grown } = measurement.judge();
const left = ["fds", "threads"]
  .filter((name) => last[name] > first[name])
  .map((name) => `${name}: ${first[name]} at the beginning, ${last[name]} at the end`);
if (values.plot) writeFileSync(values.plot, svg(measurement.samples));
for (const problem of [...grown, ...left]) console.log(`not flat: ${problem}`);
const worst = Math.max(...measurement.samples.map((sample) => sample.delay));
const total = Object.entries(done).map(([name, value]) => `${value} ${name}`);
console.log(
  `${count} held, ${total.join(", ")}; ${summary.join(", ")}; fds ${first.fds} -> ${last.fds}, ` +
    `threads ${first.threads} -> ${last.threads}; event loop p99 at most ${worst.toFixed(0)} ms`,
);
process.exit(grown.length + left.length === 0 ? 0 : 1);
