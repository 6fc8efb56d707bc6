// Another holder of the master does what it can to whoever reads it. The reader may be stopped by that; the status is told
// in any case, and kill works.
import { join } from "node:path";
import t, { type Test } from "tap";
import { type Keeper, onTerminal, startKeeper } from "../support/keeper.js";
import { From, To } from "../support/keeper-client.js";
import { fixture } from "../support/paths.js";
import { run } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";

const skip = needs("python3");
const skipC = needs("root", "python3", "gcc");

const held = (attack: string, ...program: string[]): string[] => [
  "python3",
  fixture("holder.py"),
  "{}",
  attack,
  ...program,
];
const TICKS = ["sh", "-c", "trap 'exit 9' TERM; while :; do echo tick; sleep 0.02; done"];

/** Kills the container through the reaper, and measures how long it takes to hear of its end. */
async function killed(t: Test, keeper: Keeper, signal: number, status: bigint): Promise<void> {
  const begun = performance.now();
  keeper.reaper.send(To.signal, signal);
  t.equal((await keeper.reaper.next(From.ended)).value, status);
  const took = performance.now() - begun;
  t.ok(took < 2000, `after ${took} ms`);
}

async function absentPage(t: Test, seconds: number): Promise<string[]> {
  const program = join(tempDir(t), "absent-page");
  const { status, stderr } = await run(t, "gcc", ["-pthread", "-o", program, fixture("absent-page.c")]);
  if (status !== 0) throw new Error(`gcc: ${stderr}`);
  return [program, String(seconds)];
}

t.test("console-keeper [O_NONBLOCK cleared and output stolen] tells it, reads on, and signals", { skip }, async (t) => {
  const keeper = await startKeeper(t, { argv: held("clear", ...TICKS) });
  await keeper.reader.next(From.tampered);
  const before = keeper.reader.at ?? 0n;
  await keeper.reader.until(() => ((keeper.reader.at ?? 0n) > before ? true : undefined), "more output");
  keeper.reader.send(To.signal, 15);
  t.equal((await keeper.reaper.next(From.ended)).value, 9n << 8n);
  t.equal((await keeper.reader.next(From.exit)).value, 9n << 8n);
});

t.test(
  "console-keeper [O_NONBLOCK cleared under a silent program] answers its clients, and tells the status",
  { skip },
  async (t) => {
    const keeper = await startKeeper(t, {
      argv: held("quiet", "sh", "-c", "echo A; sleep 0.7; echo B; exec sleep 100"),
    });
    await keeper.reaper.next(From.child);
    await keeper.reader.next(From.tampered);
    const other = (await keeper.client()).attach();
    await other.next(From.helloBack, 1000);
    await killed(t, keeper, 9, 9n);
    t.equal((await keeper.reader.next(From.exit)).value, 9n);
  },
);

t.test("console-keeper [packet mode turned on] tells the status", { skip }, async (t) => {
  const keeper = await startKeeper(t, { argv: held("packet", ...TICKS) });
  await keeper.reader.seen(/\0tick/);
  await killed(t, keeper, 15, 9n << 8n);
  t.equal((await keeper.reader.next(From.exit)).value, 9n << 8n);
});

t.test(
  "console-keeper [a page that does not come, hung up] serves its clients, and tells the status",
  { skip: skipC },
  async (t) => {
    const argv = onTerminal(`exec ${(await absentPage(t, 3)).join(" ")}`);
    const keeper = await startKeeper(t, { argv });
    await keeper.reader.seen(/A/);
    await keeper.reader.until(() => undefined, "the write to begin", 600).catch(() => undefined);
    // The hangup waits for the write. The reader does not.
    keeper.reader.send(To.hangUp);
    const other = await keeper.client();
    await other.next(From.helloBack, 1000);
    await killed(t, keeper, 9, 9n);
    t.equal((await keeper.reader.next(From.exit, 2000)).value, 9n);
    t.equal(await keeper.exited, 0);
  },
);

t.test(
  "console-keeper [a page that does not come, and another line discipline] tells the status",
  { skip: skipC },
  async (t) => {
    const [program = ""] = await absentPage(t, 3);
    const keeper = await startKeeper(t, { argv: held(program, "sh", "-c", "echo A; exec sleep 100") });
    await keeper.reader.seen(/A/);
    await keeper.reader.until(() => undefined, "the attack to begin", 1000).catch(() => undefined);
    // The reader's next call on the master sleeps, and no signal ends that.
    keeper.reader.type("x");
    const stuck = await keeper.client();
    await t.rejects(stuck.next(From.helloBack, 300), /no a record helloBack/);
    const reaper = await keeper.reaperClient();
    await reaper.next(From.helloBack, 1000);
    await killed(t, keeper, 9, 9n);
    t.equal((await keeper.reader.next(From.exit)).value, 9n);
  },
);
