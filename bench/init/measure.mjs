// console-init's size, the time it takes to the command's first instruction, and what it holds as PID 1, beside tini,
// catatonit and dumb-init where they are installed. Exits 1 where a target is missed.
//
//   node bench/init/measure.mjs [ROUNDS]        needs gcc; the rows of the others need their Debian packages
//
// The targets: at most 64 KiB with musl-gcc, else 1 MiB; with a console at most twice tini's time without one; as PID 1
// at most tini's resident memory and 64 KiB.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const consoleInit = process.env.CONSOLE_INIT ?? join(here, "../../native/build/Release/console-init");
const rounds = Number(process.argv[2] ?? 500);
const scratch = mkdtempSync(join(tmpdir(), "bench-init-"));
const socket = join(scratch, "s");
const stamp = join(scratch, "stamp");
const harness = join(scratch, "harness");

const ourConsole = [consoleInit, "--ptmx", "/dev/ptmx", "--console-socket", socket];
const others = ["tini", "catatonit", "dumb-init"].filter(which);
const candidates = new Map([
  ["the command alone", []],
  ...others.map((name) => [name, [which(name), ...(name === "tini" ? ["-s"] : []), "--"]]),
  ["console-init", [...ourConsole, "--"]],
  ["console-init --init", [...ourConsole, "--init", "--"]],
]);

function which(name) {
  const paths = process.env.PATH.split(delimiter).map((directory) => join(directory, name));
  return paths.find((path) => statSync(path, { throwIfNoEntry: false }));
}

function compile() {
  // Static: a dynamic loader's time would be the same for all, and hide the difference.
  const args = ["-O2", "-static", "-o", harness, join(here, "harness.c")];
  const { status } = spawnSync("gcc", args, { stdio: "inherit" });
  if (status !== 0) throw new Error("gcc did not compile harness.c");
}

/** Microseconds: the median, and the spread from the 10th to the 90th of a hundred. */
function times() {
  const commands = [...candidates.values()].flatMap((argv) => [...argv, harness, "stamp", stamp, "---"]).slice(0, -1);
  const run = spawnSync(harness, [socket, String(rounds), stamp, ...commands], { encoding: "utf8" });
  if (run.status !== 0) throw new Error(run.stderr);
  const lines = run.stdout.trim().split("\n");
  const at = (sorted, part) => sorted[Math.floor((sorted.length - 1) * part)];
  return new Map(
    [...candidates.keys()].map((name, n) => {
      const sorted = lines[n]
        .trim()
        .split(" ")
        .map(Number)
        .sort((a, b) => a - b);
      return [name, { median: at(sorted, 0.5), low: at(sorted, 0.1), high: at(sorted, 0.9) }];
    }),
  );
}

/** Rss and Pss in KiB, as PID 1 of a namespace, once the command runs. */
async function memory(name) {
  const command = ["sh", "-c", "echo running >&2; exec sleep 1000"];
  const argv = name.startsWith("console-init") ? [...ourConsole, "--init", "--"] : candidates.get(name);
  // On console-init's terminal nobody reads: it says that it runs through its own standard error instead.
  const ready = name.startsWith("console-init") ? [...argv.slice(0, -1), "--ready-fd=1", "--"] : argv;
  const program = spawn(
    "unshare",
    ["--user", "--map-root-user", "--pid", "--fork", "--kill-child", ...ready, ...command],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  try {
    await Promise.race([firstData(program.stdout), firstData(program.stderr)]);
    const children = readFileSync(`/proc/${program.pid}/task/${program.pid}/children`, "latin1");
    const rollup = readFileSync(`/proc/${Number(children)}/smaps_rollup`, "latin1");
    return Object.fromEntries(["Rss", "Pss"].map((field) => [field, Number(rollup.match(`${field}:\\s*(\\d+)`)[1])]));
  } finally {
    program.kill("SIGKILL");
  }
}

const firstData = (stream) => new Promise((resolve) => stream.once("data", resolve));

// Outlives `times`, whose harness listens on the same path while it runs.
async function withListener(work) {
  const { createServer } = await import("node:net");
  const server = createServer(() => {}).listen(socket);
  try {
    return await work();
  } finally {
    server.close();
  }
}

function report(name, value, target, good) {
  if (!good) process.exitCode = 1;
  console.log(`${good ? "ok    " : "MISSED"}  ${name}: ${value}; target ${target}`);
}

try {
  compile();
  const musl = !readFileSync(consoleInit).includes("GNU C Library");
  const size = statSync(consoleInit).size;
  const timed = times();
  rmSync(socket, { force: true });
  const names = [...others, "console-init --init"];
  const held = await withListener(async () => {
    const all = new Map();
    for (const name of names) all.set(name, await memory(name));
    return all;
  });
  console.log(`from exec to the command's first instruction, ${rounds} rounds, microseconds`);
  for (const [name, { median, low, high }] of timed) {
    console.log(`  ${name.padEnd(20)} ${median.toFixed(0).padStart(6)}   (${low.toFixed(0)} to ${high.toFixed(0)})`);
  }
  console.log("memory as PID 1, KiB");
  for (const [name, { Rss, Pss }] of held) console.log(`  ${name.padEnd(20)} ${String(Rss).padStart(6)}   Pss ${Pss}`);
  console.log();
  const limit = musl ? 64 : 1024;
  report("size", `${(size / 1024).toFixed(1)} KiB`, `${limit} KiB (${musl ? "musl" : "glibc"})`, size <= limit * 1024);
  if (!others.includes("tini")) throw new Error("tini is not installed: the other targets are its figures");
  const tini = timed.get("tini").median;
  for (const name of ["console-init", "console-init --init"]) {
    const ratio = timed.get(name).median / tini;
    report(`time, ${name}`, `${ratio.toFixed(2)} x tini's`, "2 x", ratio <= 2);
  }
  const [mine, theirs] = [held.get("console-init --init").Rss, held.get("tini").Rss];
  report("memory as PID 1", `${mine} KiB, tini ${theirs}`, "tini's and 64 KiB", mine <= theirs + 64);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
