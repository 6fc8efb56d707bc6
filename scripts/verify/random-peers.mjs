// A listener survives random peers: 100,000 sequences, with a new seed each time. Each connection ends as a console or as
// a refusal, honest consoles go through in between, and no descriptor stays open.
//   node scripts/verify/random-peers.mjs [--count N] [--seed SEED] [--from N]
// The last line says the seed; with it, and --from N --count 1, one sequence is played alone. Needs python3. What peers do
// is in test/fixtures/hostile-peer.py.
import { spawnSync } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "100000" },
    seed: { type: "string", default: String(Date.now()) },
    from: { type: "string", default: "0" },
  },
});
const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const program = join(root, "test/dist/hostile/random-peers.js");
const args = [program, values.count, values.seed, values.from];
process.exitCode = spawnSync(process.execPath, args, { stdio: "inherit" }).status ?? 1;
