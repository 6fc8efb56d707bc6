// Messages with one descriptor and 16 bytes, cmsg against others: alternating runs, medians of the ratios. Everything
// sends the same descriptor, a pipe's.
//   cd bench/cmsg && npm ci && npm run measure [-- ROUNDS]      C and Go are left out where gcc or go is missing
//   npm run heap                                                a minute at full rate: how the heap grew
import { spawn, spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const rounds = Number(process.argv[2] ?? 7);
const MESSAGES = 300_000;
const STREAMED = 100_000;
const peer = (name) => fileURLToPath(new URL(`peers/${name}`, import.meta.url));
const built = mkdtempSync(join(tmpdir(), "bench-cmsg-"));

// What is measured against what: the first of each group is cmsg.
const groups = [
  ["sendmsg and recvmsg, one fd and 16 bytes", MESSAGES, { cmsg: [process.execPath, peer("loop.mjs")], ...others() }],
  [
    "UnixStream, one fd and 16 bytes",
    STREAMED,
    { cmsg: [process.execPath, peer("stream.mjs")], usocket: [process.execPath, peer("stream-usocket.cjs")] },
  ],
];

function others() {
  const c = join(built, "c");
  const go = join(built, "go");
  const found = {};
  if (spawnSync("gcc", ["-O2", "-o", c, peer("loop.c")]).status === 0) found.C = [c];
  if (spawnSync("go", ["build", "-o", go, peer("loop.go")]).status === 0) found.Go = [go];
  if (spawnSync("python3", ["--version"]).status === 0) found.Python = ["python3", peer("loop.py")];
  return found;
}

async function run([command, ...args], count) {
  const child = spawn(command, [...args, String(count)], { stdio: [pipe, "pipe", "inherit"] });
  let output = "";
  for await (const chunk of child.stdout) output += chunk;
  const [seconds, lost = 0] = output.trim().split(" ").map(Number);
  if (!(seconds > 0)) throw new Error(`${command} ${args}: ${output}`);
  return { rate: count / seconds, lost };
}

const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

// The descriptor that everybody sends, as standard input: the two sides of a FIFO.
const fifo = join(built, "fifo");
spawnSync("mkfifo", [fifo]);
const pipe = openSync(fifo, constants.O_RDWR);

try {
  for (const [title, count, programs] of groups) {
    console.log(`\n${title}, ${count} messages, ${rounds} rounds`);
    const rates = Object.fromEntries(Object.keys(programs).map((name) => [name, []]));
    const ratios = structuredClone(rates);
    const lost = {};
    for (let round = 0; round < rounds; round++) {
      for (const [name, command] of Object.entries(programs)) {
        const own = await run(programs.cmsg, count);
        const result = name === "cmsg" ? own : await run(command, count);
        rates[name].push(result.rate);
        ratios[name].push(own.rate / result.rate);
        lost[name] = (lost[name] ?? 0) + result.lost;
      }
    }
    for (const name of Object.keys(programs)) {
      const loss = lost[name] > 0 ? `, ${lost[name]} descriptors lost` : "";
      console.log(
        `  ${name.padEnd(8)} ${Math.round(median(rates[name]) / 1000)}k/s; cmsg ${median(ratios[name]).toFixed(2)} of it${loss}`,
      );
    }
  }
} finally {
  closeSync(pipe);
  rmSync(built, { recursive: true });
}
