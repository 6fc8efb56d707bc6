// The watchdog alone, in a program without Node.js: its signal ends a call that lasts, whatever other code of the process
// does with signals, and meets no other call.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { fixture, fixtureBuild, repository } from "../support/paths.js";
import { run } from "../support/processes.js";
import { needs } from "../support/requirements.js";

const SOURCES = ["watchdog.cc", "interrupting_signal.cc"];

async function build(t: Test): Promise<string> {
  mkdirSync(fixtureBuild, { recursive: true });
  const program = join(fixtureBuild, "watchdog");
  const sources = [fixture("watchdog.cc"), ...SOURCES.map((name) => join(repository, "native/addon", name))];
  const flags = ["-std=c++20", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", program];
  const { status, stderr } = await run(t, "g++", [...flags, ...sources]);
  if (status !== 0) throw new Error(`g++: ${stderr}`);
  return program;
}

const ENDED = "EINTR after less than 1 s, told 1";
const CASES: [what: string, name: string, prints: string][] = [
  [
    "stolen",
    "other code takes the signal's number, with SA_RESTART",
    `first ${ENDED}\nsecond ${ENDED}\ncalls of other code 0\n`,
  ],
  ["blocked", "other code blocks the signal in the thread", `first ${ENDED}\nsecond ${ENDED}\npending none\n`],
  ["full", "the signal queue has no room", `first ${ENDED}\n`],
  ["short", "calls that are short and many are left alone", "interrupted 0\n"],
  [
    "late",
    "a call that ends just when it is interrupted: no later call meets the signal",
    "interrupted often\nstray 0\n",
  ],
];

t.test("the watchdog", { skip: needs("g++") }, async (t) => {
  const program = await build(t);
  for (const [what, name, prints] of CASES) {
    await t.test(name, async (t) => {
      const { stdout, status } = await run(t, program, [what]);
      t.equal(stdout, prints);
      t.equal(status, 0);
    });
  }
});
