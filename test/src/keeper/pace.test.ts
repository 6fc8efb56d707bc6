// Who may hold the reading back, and for how long: pacing clients, a holder, a paste into a program that echoes.
import { setTimeout as delay } from "node:timers/promises";
import t, { type Test } from "tap";
import { type Keeper, onTerminal, type StartOptions, startKeeper } from "../support/keeper.js";
import { Flag, From, type KeeperClient, To } from "../support/keeper-client.js";

const ENDLESS = onTerminal("stty raw -echo; trap 'exit 6' TERM; while :; do echo 0123456789abcdef; done");

async function endless(t: Test, options: Partial<StartOptions> = {}): Promise<Keeper> {
  const keeper = await startKeeper(t, { argv: ENDLESS, ringBytes: 65_536, ...options });
  keeper.reader.keepsOutput = false;
  return keeper;
}

/** The longest time in which nothing came to `client`, over `ms`. */
async function longestGap(client: KeeperClient, ms: number): Promise<number> {
  let last = performance.now();
  let longest = 0;
  client.onOutput = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  await delay(ms);
  return Math.max(longest, performance.now() - last);
}

async function stops(t: Test, keeper: Keeper): Promise<void> {
  keeper.reaper.send(To.signal, 15);
  t.equal((await keeper.reaper.next(From.ended)).value, 6n << 8n);
}

for (const [what, flags, whenFullWait] of [
  ["a pacing client", Flag.pace, false],
  ["a pacing holder, when full: wait", Flag.pace | Flag.hold, true],
  ["a holder, when full: wait", Flag.hold, true],
] as const) {
  t.test(`console-keeper [a MiB pasted into an echoing program, ${what}] gives back every byte`, async (t) => {
    const argv = onTerminal("stty raw -echo; printf R; exec head -c 1048576");
    const keeper = await startKeeper(t, { argv, ringBytes: 65_536, whenFullWait }, { flags });
    const { reader } = keeper;
    await reader.seen(/R/);
    const data = Buffer.from(Array.from({ length: 131_072 }, (_, i) => `${String(i).padStart(7, "0")}\n`).join(""));
    for (let sent = 0; sent < data.length; ) {
      const credit = 65_536 - (sent - Number(reader.typed));
      const part = data.subarray(sent, sent + Math.min(credit, 16_384));
      if (part.length > 0) reader.type(part);
      sent += part.length;
      if (part.length === 0)
        await reader.until(() => (Number(reader.typed) > sent - 65_536 ? true : undefined), "credit");
    }
    t.equal((await reader.next(From.exit, 30_000)).value, 0n);
    t.ok(Buffer.concat(reader.output).subarray(1).equals(data), "the same bytes");
    t.strictSame([reader.gaps, reader.torn, reader.records.filter(({ kind }) => kind === From.lagging)], [[], 0, []]);
  });
}

t.test("console-keeper [two clients paste at once] gives both their turns, each in its order", async (t) => {
  const size = 200_000;
  const argv = onTerminal(`stty raw -echo; printf R; exec head -c ${2 * size}`);
  const keeper = await startKeeper(t, { argv, ringBytes: 65_536 }, { flags: Flag.pace });
  await keeper.reader.seen(/R/);
  const writers = [(await keeper.client()).attach({ flags: Flag.noOutput }), keeper.reader];
  const paste = async (client: KeeperClient, digits: string): Promise<void> => {
    for (let sent = 0; sent < size; ) {
      const credit = Math.min(65_536 - (sent - Number(client.typed)), size - sent, 8192);
      if (credit > 0)
        client.type(Buffer.from(Array.from({ length: credit }, (_, i) => digits[(sent + i) % 10]).join("")));
      sent += credit;
      if (credit === 0) await client.until(() => (Number(client.typed) > sent - 65_536 ? true : undefined), "credit");
    }
    await client.until(() => (Number(client.typed) === size ? true : undefined), "everything to be typed", 30_000);
  };
  await Promise.all(writers.map((client, i) => paste(client, ["abcdefghij", "0123456789"][i] ?? "")));
  await keeper.reader.next(From.exit, 30_000);
  const text = keeper.reader.text.slice(1);
  t.equal(text.length, 2 * size);
  t.equal(text.replace(/[0-9]/g, ""), "abcdefghij".repeat(size / 10));
  t.equal(text.replace(/[a-z]/g, ""), "0123456789".repeat(size / 10));
  // N_TTY takes at most 4095 bytes at a time, so neither had to wait for the other's whole paste.
  t.ok(/[a-j]/.test(text.slice(0, 100_000)) && /[0-9]/.test(text.slice(0, 100_000)));
});

t.test("console-keeper [a pacing client that never acknowledges] is told lagging after stallMs", async (t) => {
  const keeper = await endless(t);
  const stalled = await keeper.client();
  stalled.keepsOutput = false;
  stalled.acknowledges = false;
  const begun = performance.now();
  stalled.attach({ from: 0n, flags: Flag.pace, window: 4096, stallMs: 600 });
  const gap = longestGap(keeper.reader, 2500);
  await stalled.next(From.lagging);
  const held = performance.now() - begun;
  t.ok(held >= 590, `${held} ms`);
  const longest = await gap;
  t.ok(longest >= 300 && longest < 1500, `held once, for ${longest} ms`);
  // It goes on as a client that does not pace.
  t.ok(stalled.gaps.length >= 0);
  await stops(t, keeper);
});

t.test(
  "console-keeper [a client that acknowledges a byte at a time] holds no longer than one that does nothing",
  async (t) => {
    const keeper = await endless(t);
    const trickling = await keeper.client();
    trickling.keepsOutput = false;
    trickling.acknowledges = false;
    let first: bigint | undefined;
    let acknowledged = 0n;
    trickling.onOutput = (_, offset) => {
      first ??= offset;
    };
    trickling.attach({ flags: Flag.pace, window: 4096, stallMs: 600 });
    const timer = setInterval(() => {
      if (first !== undefined) trickling.send(To.ack, first + ++acknowledged);
    }, 100);
    t.teardown(() => clearInterval(timer));
    await trickling.next(From.lagging, 3000);
    clearInterval(timer);
    await stops(t, keeper);
  },
);

t.test(
  "console-keeper [a pacing client without a limit] holds the program until it reads, or the creator leaves",
  async (t) => {
    const keeper = await endless(t, {});
    const pacing = await keeper.client();
    pacing.keepsOutput = false;
    pacing.acknowledges = false;
    pacing.attach({ flags: Flag.pace, window: 4096, stallMs: 0xffff_ffff });
    await pacing.until(() => (pacing.at !== undefined ? true : undefined), "output");
    await delay(100);
    const before = keeper.reader.at;
    await delay(500);
    t.equal(keeper.reader.at, before, "nothing was read");
    keeper.reader.send(To.leave);
    await keeper.reader.until(
      () => ((keeper.reader.at ?? 0n) > (before ?? 0n) + 1_000_000n ? true : undefined),
      "output",
    );
    await stops(t, keeper);
  },
);

t.test(
  "console-keeper [when full: wait, and the holder goes] waits, and gives the next holder everything",
  async (t) => {
    const keeper = await endless(t, { whenFullWait: true, ringBytes: 16_384 });
    await delay(200);
    t.equal(keeper.reader.at, 16_384n, "the ring is full");
    const holder = (await keeper.client()).attach({ from: 0n, flags: Flag.hold });
    await holder.until(() => ((holder.at ?? 0n) > 100_000n ? true : undefined), "output");
    holder.close();
    const acked = holder.at ?? 0n;
    await delay(200);
    const next = (await keeper.client()).attach({ from: acked, flags: Flag.hold });
    await next.until(() => ((next.at ?? 0n) > acked + 100_000n ? true : undefined), "output");
    t.strictSame([next.gaps, next.torn], [[], 0]);
    t.equal((next.output[0] ?? Buffer.alloc(0)).length > 0, true);
    await stops(t, keeper);
  },
);
