// A few hundred sequences of what random peers do to a listener, always the same ones.
// `node scripts/verify/random-peers.mjs` plays 100,000 others.
import { fileURLToPath } from "node:url";
import t from "tap";
import { plainNode } from "../support/plain-node.js";
import { run } from "../support/processes.js";
import { needs } from "../support/requirements.js";

const SEED = "1";

t.test(
  "300 random peers: each is a console or a refusal, and nothing is left",
  { skip: needs("python3") },
  async (t) => {
    const [command, ...options] = plainNode;
    const program = fileURLToPath(new URL("./random-peers.js", import.meta.url));
    const { status, stdout, stderr } = await run(t, command, [...options, program, "300", SEED]);
    t.match(stdout, /^300 sequences .* \d+ consoles, \d+ refused, 5 honest consoles, nothing left open\n$/);
    t.equal(stderr, "");
    t.equal(status, 0);
  },
);
