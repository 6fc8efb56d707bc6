// Another holder of a launched console's master does what it can: the event loop does not notice, the status is told,
// and kill() and stop() work.
import { once } from "node:events";
import { type LaunchedContainer, launch } from "console-socket";
import t, { type Test } from "tap";
import { fixture } from "../support/paths.js";
import { noChildren } from "../support/processes.js";
import { needs } from "../support/requirements.js";

const skip = needs("python3");
const TICKS = ["sh", "-c", "trap 'exit 9' TERM; while :; do echo tick; sleep 0.02; done"];

/** A runtime that leaves when its console has arrived, and of whose master something keeps a copy. */
const held = (attack: string, ...program: string[]): string[] => [
  ...["sh", "-c", '"$@" & while [ -e "$0" ]; do sleep 0.01; done', "{}"],
  ...["python3", fixture("holder.py"), "{}", attack, ...program],
];

/** The event loop's longest standstill while `work` runs, in milliseconds. */
async function standstill(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return longest;
}

async function launched(t: Test, argv: string[]): Promise<LaunchedContainer> {
  const container = await launch(argv);
  container.terminal.on("error", () => undefined);
  t.teardown(async () => {
    container.kill("SIGKILL");
    container.terminal.destroy();
    await noChildren();
  });
  return container;
}

for (const attack of ["clear", "packet"]) {
  t.test(`a holder of a launched console's master [${attack}]`, { skip }, async (t) => {
    const container = await launched(t, held(attack, ...TICKS));
    const longest = await standstill(async () => {
      for (let i = 0; i < 10; i++) await once(container.terminal, "data");
      container.terminal.write("typed\n");
      t.strictSame(await container.stop(), { code: 9, signal: null });
    });
    // Stopped is for as long as the holder likes: seconds, in these attacks.
    t.ok(longest < 1000, `${longest} ms`);
  });
}

t.test("a holder of a launched console's master [clear, and a silent program]", { skip }, async (t) => {
  const container = await launched(t, held("quiet", "sh", "-c", "echo A; exec sleep 100"));
  container.terminal.resume();
  const longest = await standstill(async () => {
    container.terminal.write("typed\n");
    container.terminal.resize(90, 20);
    t.ok(container.kill("SIGKILL"));
    t.strictSame(await container.exited, { code: null, signal: "SIGKILL" });
  });
  t.ok(longest < 1000, `${longest} ms`);
});
