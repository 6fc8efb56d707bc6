// The reader's output: every byte at its offset, whatever the ring's size and the clients' pace are.
import t, { type Test } from "tap";
import { type Keeper, onTerminal, type StartOptions, startKeeper } from "../support/keeper.js";
import { Flag, From, type KeeperClient, NOW, STATUS_UNKNOWN, TAIL } from "../support/keeper-client.js";

// Lines of 8 bytes, so that an offset says what its byte is.
const LINES = 250_000;
const EXPECTED = Buffer.from(Array.from({ length: LINES }, (_, i) => `${String(i).padStart(7, "0")}\n`).join(""));
const FLOOD = onTerminal(`stty raw -echo; exec seq -f %07.0f 0 ${LINES - 1}`);

/** Compares each byte that comes with the one that its offset says. */
function compared(client: KeeperClient): { wrong: number } {
  const result = { wrong: 0 };
  client.keepsOutput = false;
  client.onOutput = (bytes, offset) => {
    const from = Number(offset);
    if (EXPECTED.compare(bytes, 0, bytes.length, from, from + bytes.length) !== 0) result.wrong++;
  };
  return result;
}

async function flood(t: Test, options: Partial<StartOptions>, attach: Parameters<KeeperClient["attach"]>[0]) {
  const keeper = await startKeeper(t, { argv: FLOOD, ...options }, attach);
  return { keeper, result: compared(keeper.reader) };
}

async function exitOf(keeper: Keeper, client = keeper.reader): Promise<[status: bigint, end: number]> {
  const exit = await client.next(From.exit, 60_000);
  return [exit.value, Number(exit.payload.readBigUInt64LE(0))];
}

t.test("console-keeper [a command on a terminal] gives its output, its status and its end", async (t) => {
  const keeper = await startKeeper(t, { argv: onTerminal("printf hello; stty size; exit 7"), columns: 111, rows: 33 });
  t.equal((await keeper.reader.next(From.arrived)).payload.subarray(12).toString(), "/dev/ptmx");
  t.equal((await keeper.reader.next(From.size)).value, BigInt(111 | (33 << 16)));
  t.strictSame(await exitOf(keeper), [7n << 8n, keeper.reader.text.length]);
  t.equal(keeper.reader.text, "hello33 111\r\n");
  for (const kind of [From.started, From.child, From.runtimeEnded, From.ended, From.exit] as const) {
    const { value } = await keeper.reaper.next(kind);
    t.not(value, STATUS_UNKNOWN);
    if (kind === From.ended || kind === From.exit) t.equal(value, 7n << 8n);
  }
  t.equal(await keeper.exited, 0);
  await keeper.gone();
});

t.test("console-keeper [onlcr off] gives a newline as the program wrote it", async (t) => {
  const keeper = await startKeeper(t, { argv: onTerminal("echo a; echo b"), onlcr: false });
  await exitOf(keeper);
  t.equal(keeper.reader.text, "a\nb\n");
});

t.test("console-keeper [a pacing client and a ring of 4 KiB] gives every byte", async (t) => {
  const { keeper, result } = await flood(t, { ringBytes: 4096 }, { flags: Flag.pace });
  t.strictSame(await exitOf(keeper), [0n, EXPECTED.length]);
  t.equal(result.wrong, 0);
  t.strictSame([keeper.reader.torn, keeper.reader.gaps, Number(keeper.reader.at)], [0, [], EXPECTED.length]);
});

t.test("console-keeper [clients that do not pace, and a ring of 4 KiB] tells each gap", async (t) => {
  const { keeper, result } = await flood(t, { ringBytes: 4096 }, {});
  const other = await keeper.client();
  const ofOther = compared(other.attach({ from: TAIL }));
  // Reads in bursts, so that records are cut and overwritten while they are on their way.
  let pauses = 0;
  const timer = setInterval(() => (pauses++ % 2 === 0 ? other.stream.pause() : other.stream.resume()), 3);
  t.teardown(() => clearInterval(timer));
  t.strictSame(await exitOf(keeper), [0n, EXPECTED.length]);
  clearInterval(timer);
  other.stream.resume();
  await exitOf(keeper, other);
  for (const [client, { wrong }] of [
    [keeper.reader, result],
    [other, ofOther],
  ] as const) {
    t.strictSame([wrong, client.torn, Number(client.at)], [0, 0, EXPECTED.length]);
  }
  t.ok(other.gaps.length > 0, "so there were gaps to tell");
  t.ok(other.gaps.every(([from, to]) => from < to));
});

t.test("console-keeper [a client that comes later] attaches at any offset that the ring has", async (t) => {
  const argv = onTerminal("stty raw -echo; printf 0123456789; read -r line; printf abc; read -r line");
  const keeper = await startKeeper(t, { argv });
  await keeper.reader.seen(/0123456789/);
  const middle = (await keeper.client()).attach({ from: 4n });
  const now = (await keeper.client()).attach({ from: NOW });
  const all = (await keeper.client()).attach({ from: TAIL });
  const watcher = (await keeper.client()).attach({ from: 0n, flags: Flag.noOutput });
  const beyond = (await keeper.client()).attach({ from: 11n });
  t.equal((await beyond.next(From.error)).value, 34n, "ERANGE");
  keeper.reader.type("\n");
  await Promise.all([middle, now, all].map((client) => client.seen(/abc$/)));
  t.strictSame([middle.text, now.text, all.text], ["456789abc", "abc", "0123456789abc"]);
  t.equal(watcher.text, "");
});

t.test("console-keeper [hello] says how far the output is", async (t) => {
  const keeper = await startKeeper(t, {
    argv: onTerminal("stty raw; printf 0123456789; read -r line"),
    columns: 80,
    rows: 24,
  });
  await keeper.reader.seen(/0123456789/);
  const child = await keeper.reaper.next(From.child);
  keeper.reader.records.length = 0;
  keeper.reader.hello();
  const { value, payload } = await keeper.reader.next(From.helloBack);
  t.equal(value, 1n);
  t.equal(payload.length, 48);
  const [head, tail, acked] = [0, 8, 16].map((at) => payload.readBigUInt64LE(at));
  t.strictSame([head, tail, acked], [10n, 0n, 0n]);
  const [size, state, container, reader, reaper, clients] = [24, 28, 32, 36, 40, 44].map((at) =>
    payload.readUInt32LE(at),
  );
  t.strictSame([size, state, reader, reaper, clients], [80 | (24 << 16), 1, keeper.pid, keeper.reaperPid(), 1]);
  t.equal(container, Number(child.value));
});
