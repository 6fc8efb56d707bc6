// Runs a case: for each peer, ours and its own run in turns, so that what else the machine does hits both alike.
import { run } from "./run.mjs";

const PAIRS = { full: 15, quick: 3 };

/** Of each peer: `{pairs: [[ours, theirs]...]}` with what the programs printed, `{missing}` or `{error}`. */
export async function measureCase(one, ready, options, progress) {
  const mode = options.quick ? "quick" : "full";
  const size = one.size[mode];
  const count = options.quick ? PAIRS.quick : (one.pairs ?? PAIRS.full);
  const results = new Map();
  const without = (one.needs ?? []).map(ready.need).find(Boolean) ?? ready.missing(one.ours);
  const once = async (program, name) => {
    const result = await run(ready.argvOf(program, size), ready.terminalOf(program, size));
    if (program === one.ours && result.lost > 0 && one.name !== "lost") throw new Error(`${name} lost ${result.lost}`);
    return result;
  };
  for (const [name, program] of Object.entries(one.peers)) {
    const missing = without ?? ready.missing(program);
    const start = performance.now();
    try {
      const pairs = [];
      for (let n = 0; n < count && !without; n++) {
        pairs.push([await once(one.ours, "ours"), missing ? undefined : await once(program, name)]);
      }
      results.set(name, { size, pairs, missing });
    } catch (error) {
      results.set(name, { size, pairs: [], missing, error: error.message });
    }
    const { error } = results.get(name);
    const how = error ?? missing ?? `${((performance.now() - start) / 1000).toFixed(1)} s`;
    progress(`${one.name} beside ${name}: ${how}`);
  }
  return results;
}
