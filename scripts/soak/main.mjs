// pnpm soak: consoles come and go for a long time, and afterwards this process is as it was.
//   node scripts/soak/main.mjs [--minutes 10] [--held 4000] [--runtime runc]… [--plot FILE.svg]
// Without --runtime there are containers of runc and of crun; they need root and busybox-static. With --runtime none there
// is none. The exit status is 1 when a byte was wrong, memory still grew in the last quarter, a turn of the event loop
// lasted, or a descriptor, thread, process or mount is left; the last line has the figures.
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { needs } from "../../test/dist/support/requirements.js";
import { runtimes } from "../../test/dist/support/runtimes.js";
import { clearAtEnd, clearRunDirectory, createRunDirectory } from "../run-directory.mjs";
import { Held } from "./held.mjs";
import { judge } from "./judge.mjs";
import { idleThreads, Measurement } from "./measure.mjs";
import { lingering, misbehaved, tampering } from "./peers.mjs";
import { svg } from "./plot.mjs";
import { container, program } from "./programs.mjs";

// Of kernel.pty.max the kernel keeps so many for terminals of the first devpts: those of containers get none of them.
const RESERVED = 1024;
const SPARE = 128;
/** Connections that never send anything, beside the held consoles. */
const SILENT = 64;
const CHOICES = ["runc", "crun", "none"];

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    held: { type: "string", default: "4000" },
    runtime: { type: "string", multiple: true, default: ["runc", "crun"] },
    plot: { type: "string" },
  },
});
const [minutes, count] = [Number(values.minutes), Number(values.held)];
if (!(minutes > 0) || !Number.isInteger(count) || !values.runtime.every((name) => CHOICES.includes(name))) {
  console.error(`soak: --minutes and --held are numbers, --runtime is one of ${CHOICES.join(", ")}`);
  process.exit(2);
}
const chosen = runtimes.filter(({ name }) => values.runtime.includes(name));
const missing = needs("python3", ...chosen.flatMap((runtime) => runtime.needs));
if (missing) {
  console.error(`soak: ${missing}`);
  process.exit(2);
}
const room = Number(readFileSync("/proc/sys/kernel/pty/max", "utf8")) - (chosen.length > 0 ? RESERVED : 0) - SPARE;
if (count > room) {
  console.error(
    `soak: kernel.pty.max leaves ${room} terminals, not ${count}: sysctl kernel.pty.max=${count + RESERVED + SPARE}`,
  );
  process.exit(2);
}

const directory = createRunDirectory("soak-");
clearAtEnd(directory);
process.env.TMPDIR = directory;

const done = { bytes: 0 };
const noteBytes = async (bytes) => {
  done.bytes += await bytes;
  return 1;
};
/** What is started, and how often a second. `once` gives how many that were. */
const kinds = [
  { name: "programs", often: 10, once: () => noteBytes(program(3000)) },
  { name: "floods", often: 2, once: () => noteBytes(program(300_000)) },
  ...chosen.map((runtime) => ({
    name: `containers of ${runtime.name}`,
    often: 2,
    once: () => noteBytes(container(runtime)),
  })),
  { name: "refused", often: 2, once: misbehaved },
  { name: "lingering", often: 0.5, once: lingering },
  { name: "tampered", often: 0.5, once: tampering },
];

let end = Number.POSITIVE_INFINITY;
const running = () => performance.now() < end;

// One after the other, at that pace: work is in proportion to time and not to the machine, which is left idle enough that
// the event loop's delay is the loop's own. One that took too long is not made up for.
async function repeat({ name, often, once }) {
  for (let next = performance.now(); running(); ) {
    done[name] += await once();
    next = Math.max(next + 1000 / often, performance.now());
    await delay(Math.max(0, Math.min(next, end) - performance.now()));
  }
}

// What is opened once and stays (the reactor's epoll, libuv's own) is there before the first look, and so are the threads.
for (const { once } of kinds) await once();
await (await Held.open(1, 1)).end();
const before = new Measurement();
const threads = await idleThreads();
await before.take();

const held = await Held.open(count, SILENT);
const measurement = new Measurement();
end = performance.now() + minutes * 60_000;
kinds.push({ name: "words", often: 10, once: () => held.speak(50) });
for (const { name } of kinds) done[name] = 0;
const loops = kinds.map(repeat);
// There are some in each quarter, however short it is.
const interval = Math.min(5000, minutes * 3000);
while (performance.now() + interval < end) {
  await delay(interval);
  await measurement.take();
}
await Promise.all(loops);
await held.end();
await delay(1000); // connections that their peers have left
const threadsLeft = await idleThreads();
await before.take();

const [first, last] = before.samples;
const { problems, summary } = judge(measurement.samples);
summary.push(`fds ${first.fds} -> ${last.fds}`, `threads ${threads.length} -> ${threadsLeft.length}`);
if (last.fds !== first.fds) problems.push(`fds: ${first.fds} at the beginning, ${last.fds} at the end`);
if (String(threadsLeft) !== String(threads))
  problems.push(`threads: ${threads} at the beginning, ${threadsLeft} at the end`);
for (const left of await clearRunDirectory(directory)) problems.push(`left behind: ${left}`);
const total = Object.entries(done).map(([name, value]) => `${value} ${name}`);
if (values.plot) writeFileSync(values.plot, svg(measurement.samples, `${minutes} minutes, ${count} consoles held`));
for (const problem of problems) console.log(`not flat: ${problem}`);
console.log(`${count} held, ${total.join(", ")}; ${summary.join(", ")}`);
process.exit(problems.length === 0 ? 0 : 1);
