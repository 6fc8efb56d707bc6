// How a console ends: hangup and exit in either order, processes that stay, and the keeper's own processes killed. The
// status is told every time, and nothing is left.
import { openSync, readdirSync, readlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import t from "tap";
import { descendants, type Keeper, onTerminal, startKeeper } from "../support/keeper.js";
import { Flag, From, STATUS_UNKNOWN, To } from "../support/keeper-client.js";
import { isAlive, waitGone } from "../support/processes.js";

async function exitOf(keeper: Keeper, timeoutMs?: number): Promise<[status: bigint, end: number]> {
  const exit = await keeper.reader.next(From.exit, timeoutMs);
  return [exit.value, Number(exit.payload.readBigUInt64LE(0))];
}

/** Both processes end, and leave no process. */
async function leavesNothing(keeper: Keeper): Promise<void> {
  const below = descendants(keeper.pid);
  await keeper.gone();
  // The child that has closed the master last may end after the keeper.
  for (const pid of below) await waitGone(pid, 2000);
}

const ORDERS: [what: string, script: string, status: bigint, output: RegExp][] = [
  ["100,000 bytes and exit", "printf %0100000d 5; exit 3", 3n, /^0{99999}5$/],
  ["hung up before it exits", "echo A; exec <&- >&- 2>&-; sleep 0.5; exit 4", 4n, /^A\r\n$/],
  [
    "closes and reopens its terminal twice",
    "t=$(tty); echo A; exec <&- >&- 2>&-; sleep 0.3; exec <$t >$t 2>&1; echo B; sleep 0.1; exec <&- >&- 2>&-; " +
      "sleep 0.3; exec <$t >$t; printf %050000d 7; exit 6",
    6n,
    /^A\r\nB\r\n0{49999}7$/,
  ],
  ["a silent process keeps the terminal open", "echo A; (trap '' HUP; exec sleep 7) & exit 5", 5n, /^A\r\n$/],
  ["a process that floods stays", "(trap '' HUP; exec yes) & sleep 0.2; exit 5", 5n, /^y\r\ny/],
];

for (const [what, script, status, output] of ORDERS) {
  t.test(`console-keeper [${what}] tells the status and the end of the output`, async (t) => {
    const keeper = await startKeeper(t, { argv: onTerminal(script), drainMs: 400 }, { flags: Flag.pace });
    const [value, end] = await exitOf(keeper);
    t.equal(value, status << 8n);
    t.match(keeper.reader.text, output);
    t.equal(end, keeper.reader.text.length);
    t.equal((await keeper.reaper.next(From.ended)).value, status << 8n);
    // The keeper hangs up, which ends what still had the terminal, unless that ignores it.
    for (const pid of descendants(keeper.pid)) process.kill(pid, "SIGKILL");
    await leavesNothing(keeper);
  });
}

t.test("console-keeper [a program killed by a signal] tells which", async (t) => {
  const keeper = await startKeeper(t, { argv: onTerminal("echo A; exec sleep 100") });
  await keeper.reader.seen(/A/);
  keeper.reader.send(To.signal, 15);
  t.strictSame(await exitOf(keeper), [15n, 3]);
  await leavesNothing(keeper);
});

t.test("console-keeper [hang up] hangs the terminal up, and tells the program's status", async (t) => {
  const keeper = await startKeeper(t, { argv: onTerminal("trap 'exit 8' HUP; echo A; while :; do sleep 0.1; done") });
  await keeper.reader.seen(/A/);
  keeper.reader.send(To.hangUp);
  await keeper.reader.next(From.hungUp);
  t.equal((await exitOf(keeper))[0], 8n << 8n);
  await leavesNothing(keeper);
});

t.test("console-keeper [the creator's connection ends] hangs up; [after leave] goes on", async (t) => {
  const argv = onTerminal("trap 'exit 8' HUP; echo A; sleep 0.3; echo B; sleep 0.3; exit 9");
  for (const [leaves, status] of [
    [false, 8n],
    [true, 9n],
  ] as const) {
    const keeper = await startKeeper(t, { argv });
    await keeper.reader.seen(/A/);
    if (leaves) keeper.reader.send(To.leave);
    keeper.reader.stream.end();
    t.equal((await keeper.reaper.next(From.ended)).value, status << 8n);
    await leavesNothing(keeper);
  }
});

t.test("console-keeper [kept, and its creator goes] goes on for others", async (t) => {
  const argv = onTerminal("stty raw -echo; printf A; read -r line; printf B; exit 9");
  const keeper = await startKeeper(t, { argv, kept: true });
  await keeper.reader.seen(/A/);
  keeper.reader.close();
  keeper.reaper.close();
  const other = (await keeper.client()).attach();
  await other.seen(/A/);
  other.type("\n");
  const exit = await other.next(From.exit);
  t.strictSame([exit.value, other.text], [9n << 8n, "AB"]);
  const late = await keeper.client();
  await late.next(From.helloBack);
  late.attach();
  t.equal((await late.next(From.exit)).value, 9n << 8n, "while it lingers it tells whoever asks");
  t.equal(late.text, "AB");
  (await keeper.client()).send(To.settle);
  await leavesNothing(keeper);
});

t.test("console-keeper [the reaper is killed] goes on, and the reader tells the status", async (t) => {
  const keeper = await startKeeper(t, { argv: onTerminal("echo A; read -r line; printf %050000d 7; exit 9") });
  await keeper.reader.seen(/A/);
  await keeper.reaper.next(From.child);
  process.kill(keeper.reaperPid(), "SIGKILL");
  await keeper.reaper.closed();
  keeper.reader.type("\n");
  const [status, end] = await exitOf(keeper);
  t.strictSame([status, end], [9n << 8n, keeper.reader.text.length]);
  t.match(keeper.reader.text, /0{49999}7$/);
  await leavesNothing(keeper);
});

t.test("console-keeper [the reaper is killed before the container is known] the reader finds it", async (t) => {
  // console-init stays below a shell that is the command, and prints only when the reaper has gone.
  const argv = ["sh", "-c", '"$@" & read -r x; exit 0', "sh", ...onTerminal("read -r line; echo A; exit 9")];
  const keeper = await startKeeper(t, { argv });
  await keeper.reader.next(From.arrived);
  process.kill(keeper.reaperPid(), "SIGKILL");
  await keeper.reaper.closed();
  keeper.reader.type("\n");
  t.equal((await exitOf(keeper))[0], 9n << 8n);
  await leavesNothing(keeper);
});

t.test("console-keeper [the reader is killed] hangs up, and the reaper tells the status", async (t) => {
  const keeper = await startKeeper(t, {
    argv: onTerminal("trap 'sleep 0.2; exit 9' HUP; echo A; while :; do sleep 0.1; done"),
  });
  await keeper.reader.seen(/A/);
  const reaper = keeper.reaperPid();
  process.kill(keeper.pid, "SIGKILL");
  await keeper.reader.closed();
  t.equal((await keeper.reaper.next(From.ended)).value, 9n << 8n);
  t.equal((await keeper.reaper.next(From.exit)).value, 9n << 8n);
  await waitGone(reaper);
});

t.test("console-keeper [the reader is killed before the console comes] tells the command's end", async (t) => {
  const keeper = await startKeeper(t, { argv: ["sh", "-c", "read -r x; sleep 0.3; exit 3"] });
  await keeper.reaper.next(From.started);
  const reaper = keeper.reaperPid();
  process.kill(keeper.pid, "SIGKILL");
  t.equal((await keeper.reaper.next(From.runtimeEnded)).value, 3n << 8n);
  t.equal((await keeper.reaper.next(From.exit)).value, 3n << 8n);
  await waitGone(reaper);
});

t.test("console-keeper [both are killed] hangs up", async (t) => {
  const keeper = await startKeeper(t, { argv: onTerminal("echo A; exec sleep 100") });
  await keeper.reader.seen(/A/);
  const container = Number((await keeper.reaper.next(From.child)).value);
  process.kill(keeper.reaperPid(), "SIGKILL");
  process.kill(keeper.pid, "SIGKILL");
  await waitGone(container);
});

t.test("console-keeper [TERM] is ignored while the creator is there, and ends it afterwards", async (t) => {
  const keeper = await startKeeper(t, { argv: onTerminal("trap '' HUP; echo A; exec sleep 100") });
  await keeper.reader.seen(/A/);
  const container = Number((await keeper.reaper.next(From.child)).value);
  const reaper = keeper.reaperPid();
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"]) {
    process.kill(keeper.pid, signal);
    process.kill(reaper, signal);
  }
  await delay(200);
  t.ok(isAlive(keeper.pid) && isAlive(reaper));
  keeper.reader.send(To.leave);
  keeper.reader.stream.end();
  keeper.reaper.stream.end();
  await Promise.all([keeper.reader.closed(), keeper.reaper.closed()]);
  process.kill(reaper, "SIGTERM");
  process.kill(keeper.pid, "SIGTERM");
  await Promise.all([waitGone(keeper.pid), waitGone(reaper)]);
  t.ok(isAlive(container), "the container goes on");
  process.kill(container, "SIGKILL");
});

t.test("console-keeper [descriptors that it was started with] keeps none once the command runs", async (t) => {
  const inherited = openSync("/etc/hostname", "r");
  const keeper = await startKeeper(t, { argv: onTerminal("echo A; exec sleep 100") }, {}, [inherited, inherited]);
  await keeper.reader.seen(/A/);
  const container = Number((await keeper.reaper.next(From.child)).value);
  for (const pid of [keeper.pid, keeper.reaperPid()]) {
    const open = readdirSync(`/proc/${pid}/fd`).map(
      (fd) => [Number(fd), readlinkSync(`/proc/${pid}/fd/${fd}`)] as const,
    );
    t.notMatch(open.join(" "), /hostname/);
    const standard = open.filter(([fd]) => fd <= 2);
    t.strictSame(
      standard.map(([, what]) => what),
      ["/dev/null", "/dev/null", "/dev/null"],
    );
    t.equal(readlinkSync(`/proc/${pid}/cwd`), "/");
  }
  keeper.reaper.send(To.signal, 9);
  await exitOf(keeper);
  t.notOk(isAlive(container));
  await leavesNothing(keeper);
});

t.test("console-keeper [the creator goes before it says start] ends", async (t) => {
  const keeper = await startKeeper(t, { argv: ["sh", "-c", "sleep 0.2"] });
  keeper.reader.close();
  keeper.reaper.close();
  await leavesNothing(keeper);
});

t.test("console-keeper [no console comes] tells the command's status", async (t) => {
  const keeper = await startKeeper(t, { argv: ["sh", "-c", "echo out; echo err >&2; exit 2"] });
  const printed = [await keeper.reaper.next(From.runtimeOutput), await keeper.reaper.next(From.runtimeOutput)];
  t.strictSame(printed.map(({ value, payload }) => [value, payload.toString()]).sort(), [
    [1n, "out\n"],
    [2n, "err\n"],
  ]);
  const ended = await keeper.reaper.next(From.runtimeEnded);
  t.strictSame([ended.value, ended.payload.readUInt32LE(0)], [2n << 8n, 0]);
  t.strictSame(await exitOf(keeper), [2n << 8n, 0]);
  await leavesNothing(keeper);
});

t.test("console-keeper [two processes left, none of them with the terminal] does not know the status", async (t) => {
  const keeper = await startKeeper(t, { argv: ["sh", "-c", "sleep 0.4 & sleep 0.5 & exit 0"] });
  t.equal((await keeper.reaper.next(From.child)).value, 0n);
  t.equal((await keeper.reaper.next(From.ended)).value, STATUS_UNKNOWN);
  t.equal((await exitOf(keeper))[0], STATUS_UNKNOWN);
  await leavesNothing(keeper);
});
