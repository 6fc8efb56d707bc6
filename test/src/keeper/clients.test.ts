// What a client does wrong costs that client alone: after each case another client still types and reads, and the
// container's status is told.
import { once } from "node:events";
import { closeSync, openSync, readdirSync } from "node:fs";
import t, { type Test } from "tap";
import { type Keeper, onTerminal, startKeeper } from "../support/keeper.js";
import { Flag, From, KeeperClient, record, To } from "../support/keeper-client.js";
import { until } from "../support/until.js";

const ERRNO = { EPERM: 1, ESRCH: 3, EBUSY: 16, EINVAL: 22, ERANGE: 34, EPROTO: 71, EUSERS: 87, EMSGSIZE: 90 } as const;
const MORE = { EPROTONOSUPPORT: 93, EOPNOTSUPP: 95, ENOBUFS: 105, EISCONN: 106 } as const;

// Answers each line, until a line says how to end.
const ANSWERS = onTerminal('stty -echo; echo ready; while read -r l; do echo "<$l>"; [ "$l" = end ] && exit 5; done');

async function answering(t: Test): Promise<Keeper> {
  const keeper = await startKeeper(t, { argv: ANSWERS });
  await keeper.reader.next(From.helloBack);
  await keeper.reader.seen(/ready/);
  return keeper;
}

/** The creator still types, reads, and hears of the end. */
async function goesOn(t: Test, keeper: Keeper): Promise<void> {
  keeper.reader.type("still\n");
  // What came of another client's torn record stands before it.
  await keeper.reader.seen(/still>/);
  keeper.reader.type("end\n");
  t.equal((await keeper.reader.next(From.exit)).value, 5n << 8n);
  t.equal((await keeper.reaper.next(From.exit)).value, 5n << 8n);
}

/** Waits until the reader has so many clients. */
async function served(keeper: Keeper, count: number): Promise<void> {
  for (;;) {
    keeper.reader.hello();
    const { payload } = await keeper.reader.next(From.helloBack);
    if (payload.readUInt32LE(44) === count) return;
  }
}

/** A further client that has said nothing. */
async function silent(t: Test, keeper: Keeper): Promise<KeeperClient> {
  const client = await KeeperClient.connect(`${keeper.directory}/reader.sock`);
  t.teardown(() => client.close());
  return client;
}

const WRONG: [what: string, bytes: () => Buffer, errno: number][] = [
  ["a first record that is no hello", () => record(To.resize, 5), ERRNO.EPROTO],
  ["input without hello", () => record(To.input, 0, Buffer.from("x")), ERRNO.EPROTO],
  ["another version", () => Buffer.concat([record(To.hello, 2), record(To.resize, 5)]), MORE.EPROTONOSUPPORT],
  ["a payload above 64 KiB", () => Buffer.concat([record(To.hello, 1), header(65_537, 999)]), ERRNO.EMSGSIZE],
  ["a payload of 4 GiB", () => Buffer.concat([record(To.hello, 1), header(0xffff_ffff, To.input)]), ERRNO.EMSGSIZE],
  ["a short attach", () => Buffer.concat([record(To.hello, 1), record(To.attach, 0, Buffer.alloc(4))]), ERRNO.EMSGSIZE],
  ["a resize with a payload", () => Buffer.concat([record(To.hello, 1), record(To.resize, 0, Buffer.alloc(1))]), 90],
  ["an acknowledgement of what has not come", () => Buffer.concat([record(To.hello, 1), record(To.ack, 1e9)]), 22],
];

function header(length: number, kind: number): Buffer {
  const bytes = record(kind);
  bytes.writeUInt32LE(length, 0);
  return bytes;
}

for (const [what, bytes, errno] of WRONG) {
  t.test(`console-keeper's reader [${what}] tells that client, and closes it`, async (t) => {
    const keeper = await answering(t);
    const client = await silent(t, keeper);
    client.stream.write(bytes());
    const { value, payload } = await client.next(From.error);
    t.equal(Number(value), errno);
    t.match(payload.toString(), /^[a-z0-9].+[a-z]$/i);
    await client.closed();
    await goesOn(t, keeper);
  });
}

t.test("console-keeper's reader [records that it does not serve] answers an error, and goes on", async (t) => {
  const keeper = await answering(t);
  const client = (await keeper.client()).attach();
  const cases: [kind: number, errno: number][] = [
    [To.replace, MORE.EOPNOTSUPP],
    [To.log, MORE.EOPNOTSUPP],
    [To.adopt, MORE.EOPNOTSUPP],
    [To.start, MORE.EOPNOTSUPP],
    [To.stop, MORE.EOPNOTSUPP],
    [To.leave, ERRNO.EPERM],
  ];
  for (const [kind, errno] of cases) {
    client.send(kind);
    t.equal(Number((await client.next(From.error)).value), errno);
  }
  client.attach();
  t.equal(Number((await client.next(From.error)).value), MORE.EISCONN);
  client.send(To.signal, 65);
  t.equal(Number((await client.next(From.error)).value), ERRNO.EINVAL);
  client.type("other\n");
  await client.seen(/<other>/);
  await goesOn(t, keeper);
});

t.test("console-keeper's reaper [wrong records] tells that client", async (t) => {
  const keeper = await answering(t);
  const client = await keeper.reaperClient();
  for (const kind of [To.attach, To.replace, To.log, To.hangUp]) {
    client.send(kind, 0, kind === To.attach ? Buffer.alloc(12) : undefined);
    t.equal(Number((await client.next(From.error)).value), MORE.EOPNOTSUPP);
  }
  client.send(To.start, 0, Buffer.alloc(70));
  t.equal(Number((await client.next(From.error)).value), 114, "EALREADY");
  client.send(To.signal, 99);
  t.equal(Number((await client.next(From.error)).value), ERRNO.EINVAL);
  client.stream.write(header(70_000, To.signal));
  t.equal(Number((await client.next(From.error)).value), ERRNO.EMSGSIZE);
  await client.closed();
  await goesOn(t, keeper);
});

t.test(
  "console-keeper's reader [records in pieces of a byte, unknown kinds between them] reads them all",
  async (t) => {
    const keeper = await answering(t);
    const client = await silent(t, keeper);
    client.acknowledges = false; // it would do so in the middle of a record
    const bytes = Buffer.concat([
      ...[record(To.hello, 1), record(999, 7, Buffer.alloc(1000)), record(To.attach, 0, Buffer.alloc(12))],
      ...[
        record(To.input),
        record(0),
        record(To.input, 0, Buffer.from("piece")),
        record(To.input, 0, Buffer.from("s\n")),
      ],
    ]);
    for (const byte of bytes) {
      client.stream.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    await client.seen(/<pieces>/);
    await client.until(() => (client.typed === 7n ? true : undefined), "typed 7");
    await goesOn(t, keeper);
  },
);

t.test("console-keeper's reader [a client that goes in a record, and one that only connects] goes on", async (t) => {
  const keeper = await answering(t);
  for (const length of [1, 15, 16, 20]) {
    const client = await silent(t, keeper);
    client.stream.write(
      Buffer.concat([record(To.hello, 1), record(To.input, 0, Buffer.alloc(50, "x"))]).subarray(0, 16 + length),
    );
    client.stream.end();
    await client.closed();
  }
  const idle = await silent(t, keeper);
  await goesOn(t, keeper);
  idle.close();
});

t.test("console-keeper's reader [more input than the credit] closes that client", async (t) => {
  const keeper = await startKeeper(t, { argv: onTerminal("stty raw -echo; echo ready; exec sleep 100") });
  await keeper.reader.seen(/ready/);
  const flooder = (await keeper.client()).attach();
  for (let i = 0; i < 8; i++) flooder.type(Buffer.alloc(20_000, "z"));
  t.equal(Number((await flooder.next(From.error)).value), MORE.ENOBUFS);
  await flooder.closed();
  // The terminal is full, and takes nothing more. Other records are heard all the same.
  const other = (await keeper.client()).attach();
  other.type(Buffer.alloc(65_536, "y"));
  other.resize(77, 22);
  await other.until(() => other.records.find(({ value }) => value === BigInt(77 | (22 << 16))), "the new size");
  other.send(To.signal, 9);
  t.equal((await keeper.reaper.next(From.ended)).value, 9n);
});

t.test("console-keeper's reader [a 17th client] tells it, and serves one when there is a place again", async (t) => {
  const keeper = await answering(t);
  const clients = [];
  for (let i = 0; i < 15; i++) clients.push(await keeper.client());
  for (const client of clients) await client.next(From.helloBack);
  const late = await silent(t, keeper);
  t.equal(Number((await late.next(From.error)).value), ERRNO.EUSERS);
  await late.closed();
  clients[7]?.close();
  await served(keeper, 15);
  const next = await silent(t, keeper);
  next.hello();
  const answer = await Promise.race([next.next(From.helloBack), once(next.stream, "end")]);
  t.ok(answer);
  for (const client of clients) client.close();
  await goesOn(t, keeper);
});

t.test("console-keeper's reader [a second holder] tells it EBUSY, until the first has gone", async (t) => {
  const keeper = await answering(t);
  const first = (await keeper.client()).attach({ flags: Flag.hold });
  await first.seen(/ready/);
  const second = (await keeper.client()).attach({ flags: Flag.hold });
  t.equal(Number((await second.next(From.error)).value), ERRNO.EBUSY);
  first.close();
  await served(keeper, 2);
  const third = (await keeper.client()).attach({ flags: Flag.hold });
  await third.seen(/ready/);
  await goesOn(t, keeper);
});

t.test("console-keeper's reader [clients that never read, under a flood] reads on", async (t) => {
  const argv = onTerminal("stty raw -echo; read -r line; seq 1 300000; exit 5");
  const keeper = await startKeeper(t, { argv, lingerMs: 200 });
  const stalled = await Promise.all(Array.from({ length: 5 }, () => silent(t, keeper)));
  for (const client of stalled) {
    client.stream.pause();
    client.hello().attach();
  }
  keeper.reader.keepsOutput = false;
  keeper.reader.type("go\n");
  t.equal((await keeper.reader.next(From.exit, 30_000)).value, 5n << 8n);
  // Those that do not read are waited for as long as the keeper lingers.
  t.equal(await keeper.exited, 0);
  await keeper.gone();
});

t.test("console-keeper's reader [a descriptor with a record] receives none", async (t) => {
  const keeper = await answering(t);
  const client = (await keeper.client()).attach();
  const fd = openSync("/dev/null", "r");
  try {
    client.stream.on("error", () => undefined);
    client.stream.writeWithFds(record(To.input, 0, Buffer.from("x\n")), [fd]);
  } catch (error) {
    t.equal((error as NodeJS.ErrnoException).code, "EPERM", "refused by the kernel");
  }
  closeSync(fd);
  await goesOn(t, keeper);
});

t.test("console-keeper [100 clients of reader and reaper come and go] has the descriptors that it had", async (t) => {
  const keeper = await answering(t);
  // With the container's pidfd.
  for (let container = 0; container === 0; ) {
    keeper.reader.hello();
    container = (await keeper.reader.next(From.helloBack)).payload.readUInt32LE(32);
  }
  const count = (): number[] => [keeper.pid, keeper.reaperPid()].map((pid) => readdirSync(`/proc/${pid}/fd`).length);
  const before = count();
  for (let i = 0; i < 100; i++) {
    const client = await (i % 2 === 0 ? keeper.client() : keeper.reaperClient());
    await client.next(From.helloBack);
    client.close();
  }
  await served(keeper, 1);
  await until(() => String(count()) === String(before), { what: () => `${before} descriptors, not ${count()}` });
  await goesOn(t, keeper);
});
