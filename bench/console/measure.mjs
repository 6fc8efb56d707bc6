// Consoles beside node-pty and tty.ReadStream: output, a busy event loop, lost tails, echo, paste, idle consoles, and a
// hostile sender. Runs alternate; what is printed are medians, and the median of the ratios pair by pair.
//
//   npm --prefix bench ci && npm --prefix bench run console -- [--quick] [CASE...]
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

const ours = "console-socket";
const both = ["node-pty", "tty.ReadStream"];
// `worst`: the largest value of all rounds is shown, not the median.
const cases = [
  { name: "output", size: 256, quick: 64, peers: both, figures: ["cpuSecondsPerGiB", "mbPerSecond"], pairs: 15 },
  { name: "busy", size: 64, quick: 16, peers: both, figures: ["mbPerSecond"], pairs: 5 },
  { name: "lost", size: 200, quick: 50, peers: both, figures: ["lost"], pairs: 1 },
  { name: "echo", size: 3000, quick: 1000, peers: ["node-pty"], figures: ["p50", "p99"], pairs: 15 },
  { name: "paste", size: 16, quick: 16, peers: ["node-pty"], figures: ["mbPerSecond", "cpuSecondsPerGiB"], pairs: 15 },
  {
    name: "idle",
    size: 500,
    quick: 500,
    peers: ["tty.ReadStream"],
    figures: ["kibEach", "threads", "idleCpuMs"],
    pairs: 5,
  },
  { name: "idle", size: 3500, quick: 3500, peers: [], figures: ["kibEach", "threads", "idleCpuMs"], pairs: 1 },
  { name: "stall", size: 5, quick: 2, peers: ["tty.ReadStream"], figures: ["stallMs"], pairs: 3, worst: true },
];
const TIMEOUT_MS = 120_000;

const quick = process.argv.includes("--quick");
const wanted = process.argv.slice(2).filter((arg) => !arg.startsWith("--"));
const program = fileURLToPath(new URL("case.mjs", import.meta.url));

function measure({ name, size }, kind) {
  const args = ["--expose-gc", program, name, kind, String(size)];
  const options = {
    encoding: "utf8",
    timeout: name === "stall" ? (size + 5) * 1000 : TIMEOUT_MS,
    killSignal: "SIGKILL",
  };
  const { stdout, stderr, error } = spawnSync(process.execPath, args, options);
  if (error?.code === "ETIMEDOUT") return undefined;
  if (!stdout) throw new Error(`${name} with ${kind}: ${stderr}`);
  return JSON.parse(stdout);
}

const median = (numbers) => numbers.slice().sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const show = (number) => (number >= 100 ? number.toFixed(0) : number.toPrecision(3));

console.log(`node ${process.version}, ${cpus().length} CPUs (${cpus()[0]?.model})`);
for (const one of cases) {
  if (wanted.length > 0 && !wanted.includes(one.name)) continue;
  const settings = { ...one, size: quick ? one.quick : one.size };
  const pairs = quick ? Math.min(3, one.pairs) : one.pairs;
  const kinds = [ours, ...one.peers];
  const rounds = Array.from({ length: pairs }, () => new Map(kinds.map((kind) => [kind, measure(settings, kind)])));
  console.log(`\n${one.name} (${settings.size}), ${pairs} rounds`);
  for (const figure of one.figures) {
    const of = (kind) => rounds.map((round) => round.get(kind)?.[figure]).filter((value) => value !== undefined);
    const cells = kinds.map((kind) => {
      const values = of(kind);
      if (values.length === 0) return `${kind} did not come back`;
      if (kind === ours) return `${kind} ${show(one.worst ? Math.max(...values) : median(values))}`;
      const ratios = rounds.map((round) => round.get(ours)[figure] / round.get(kind)?.[figure]).filter(Number.isFinite);
      const spread =
        ratios.length > 0
          ? ` (ratio ${show(median(ratios))}, ${show(Math.min(...ratios))} to ${show(Math.max(...ratios))})`
          : "";
      return `${kind} ${show(one.worst ? Math.max(...values) : median(values))}${spread}`;
    });
    console.log(`  ${figure.padEnd(18)}${cells.join("   ")}`);
  }
}
