// The start record, and the console's arrival.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sendFile, UnixServer, UnixSocket } from "cmsg";
import { findBinary } from "cmsg-native";
import { StartFlags } from "cmsg-native/keeper-protocol";
import { openPty } from "console-init";
import t, { type Test } from "tap";
import { Keeper, onTerminal, startBody, startExecutable, startKeeper, startRecords } from "../support/keeper.js";
import { From, record, To } from "../support/keeper-client.js";
import { run } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";

for (const [what, line] of [
  ["no sockets", '"$0" 3</dev/null 4</dev/null'],
  ["no descriptors 3 and 4", '"$0" 3<&- 4<&-'],
] as const) {
  t.test(`console-keeper [${what}] says what it expects, and ends with 125`, async (t) => {
    const { status, stdout, stderr } = await run(t, "sh", ["-c", line, findBinary("console-keeper")]);
    t.strictSame([status, stdout], [125, ""]);
    t.match(stderr, /^console-keeper: expected the library's stream sockets as descriptors 3 and 4; [^\n]+\n$/);
  });
}

const TRUE = startBody({ argv: ["true"] });

function changed(change: (body: Buffer) => void): Buffer[] {
  const body = Buffer.from(TRUE);
  change(body);
  return startRecords(body);
}

const WRONG: [what: string, records: Buffer[], errno: number][] = [
  ["a header that is cut", [record(To.start, 0, Buffer.alloc(31))], 22],
  ["nothing", [record(To.start)], 22],
  ["a header's size above the record", changed((body) => body.writeUInt32LE(1000, 0)), 22],
  ["an unknown flag", changed((body) => body.writeUInt32LE(0x8000_0000, 4)), 22],
  ["a ring of 100 bytes", changed((body) => body.writeUInt32LE(100, 8)), 22],
  ["a ring of 1 GiB", changed((body) => body.writeUInt32LE(1 << 30, 8)), 22],
  ["columns without rows", changed((body) => body.writeUInt16LE(80, 12)), 22],
  ["no command", changed((body) => body.writeUInt32LE(0, 24)), 22],
  ["more arguments than strings", changed((body) => body.writeUInt32LE(0xffff_ffff, 24)), 22],
  ["fewer variables than strings", changed((body) => body.writeUInt32LE(0, 28)), 22],
  ["a string without an end", [record(To.start, 0, TRUE.subarray(0, TRUE.length - 1))], 22],
  ["a body above 4 MiB", [record(To.start, 5_000_000, Buffer.alloc(100))], 7],
  ["parts that do not fit together", [record(To.start, 100, TRUE), record(To.start, 5, Buffer.alloc(5))], 22],
  ["a flag for a descriptor that does not come", changed((body) => body.writeUInt32LE(StartFlags.stdin, 4)), 9],
  ["another record first", [record(To.signal, 1)], 71],
];

for (const [what, records, errno] of WRONG) {
  t.test(`console-keeper's start [${what}] is an error, and the keeper ends`, async (t) => {
    const { reader, reaper, exited } = startExecutable(t);
    reaper.hello();
    await reaper.next(From.helloBack);
    for (const bytes of records) reaper.stream.write(bytes);
    const { value, payload } = await reaper.next(From.error);
    t.equal(Number(value), errno, payload.toString());
    t.equal(await exited, 125);
    await reader.closed();
  });
}

t.test(
  "console-keeper's start [an environment of 200 KB, a working directory, arguments] gives them to the command",
  async (t) => {
    const cwd = tempDir(t);
    const env = { PATH: process.env["PATH"] ?? "", LONG: "x".repeat(100_000), OTHER: "y".repeat(100_000) };
    const script = 'pwd; echo "$(expr length "$LONG") $(expr length "$OTHER") $1"; env | wc -l';
    const keeper = await startKeeper(t, { argv: ["sh", "-c", script, "sh", "an argument"], cwd, env });
    await keeper.reaper.until(() => keeper.reaper.records.find(({ kind }) => kind === From.runtimeEnded), "the end");
    const output = keeper.reaper.records.filter(({ kind }) => kind === From.runtimeOutput);
    const printed = Buffer.concat(output.map(({ payload }) => payload)).toString();
    t.match(printed, new RegExp(`^${cwd}\n100000 100000 an argument\n[3-6]\n$`));
    t.equal((await keeper.reaper.next(From.exit)).value, 0n);
  },
);

for (const [what, options, errno, step] of [
  ["a command that is not there", { argv: ["/nowhere/command"] }, 2, 1],
  ["a command that is no program", { argv: ["/etc/passwd"] }, 13, 1],
  ["a working directory that is not there", { argv: ["true"], cwd: "/nowhere" }, 2, 0],
  ["a console socket in a directory that is not there", { argv: ["true"], console: "/nowhere/c" }, 2, 1],
] as const) {
  t.test(`console-keeper [${what}] tells the errno, and ends`, async (t) => {
    const keeper = await started(t, options);
    const { value, payload } = await keeper.reaper.next(From.notStarted);
    t.strictSame([value, payload.readInt32LE(0)], [BigInt(errno), step]);
    await keeper.gone();
  });
}

/** A keeper whose console socket is at `console`, or nowhere. */
async function started(
  t: Test,
  { console = "", ...options }: { argv: readonly string[]; cwd?: string; console?: string },
) {
  const sockets = startExecutable(t);
  sockets.reader.hello().attach();
  sockets.reaper.hello();
  const body = startBody({ ...options, argv: [...options.argv], consolePath: console });
  for (const part of startRecords(body)) sockets.reaper.stream.write(part);
  return new Keeper(t, sockets, "/nowhere");
}

t.test("console-keeper [100 MB of a runtime's output, which is not read at first] passes all of it on", async (t) => {
  const keeper = await startKeeper(t, { argv: ["sh", "-c", "head -c 100000000 /dev/zero; echo end >&2; exit 3"] });
  keeper.reaper.stream.pause();
  await keeper.reader.next(From.helloBack);
  keeper.reaper.stream.resume();
  let bytes = 0;
  let errors = "";
  await keeper.reaper.until(
    () => {
      for (const { kind, value, payload } of keeper.reaper.records.splice(0)) {
        if (kind === From.runtimeOutput && value === 1n) bytes += payload.length;
        if (kind === From.runtimeOutput && value === 2n) errors += payload;
        if (kind === From.runtimeEnded) return value;
      }
      return undefined;
    },
    "the runtime's end",
    60_000,
  );
  t.strictSame([bytes, errors], [100_000_000, "end\n"]);
});

t.test("console-keeper [stop while the command runs and no console came] ends everything that it left", async (t) => {
  const script = "trap '' TERM; (trap '' TERM; exec sleep 100) & echo ready; while :; do sleep 0.1; done";
  const keeper = await startKeeper(t, { argv: ["sh", "-c", script] });
  await keeper.reaper.next(From.runtimeOutput);
  keeper.reaper.send(To.stop, 300);
  t.equal((await keeper.reaper.next(From.runtimeEnded)).value, 9n);
  await keeper.reaper.next(From.exit);
  await keeper.gone();
});

t.test("console-keeper [stop of a container] sends TERM, and KILL after the time", async (t) => {
  for (const [script, grace, status] of [
    ["trap 'exit 4' TERM; echo A; while :; do sleep 0.05; done", 10_000, 4n << 8n],
    ["trap '' TERM; echo A; while :; do sleep 0.05; done", 100, 9n],
  ] as const) {
    const keeper = await startKeeper(t, { argv: onTerminal(script) });
    await keeper.reader.seen(/A/);
    await keeper.reaper.next(From.child);
    keeper.reaper.send(To.stop, grace);
    t.equal((await keeper.reaper.next(From.ended)).value, status);
  }
});

t.test("console-keeper [refused messages] tells each, and takes the console that comes after them", async (t) => {
  const keeper = await startKeeper(t, { argv: ["sh", "-c", "exec sleep 100"], columns: 100, rows: 30 });
  await keeper.reaper.next(From.started);
  const path = join(keeper.directory, "console.sock");
  const wrong: [reason: number, send: (socket: UnixSocket) => Promise<unknown>][] = [
    [1, async (socket) => socket.end()],
    [2, (socket) => socket.send(Buffer.from("name"))],
    [3, (socket) => socket.send(Buffer.from("name"), [0, 0])],
    [4, (socket) => socket.send(Buffer.alloc(4096, "n"), [0])],
    [7, (socket) => socket.send(Buffer.from("name"), [1])],
  ];
  for (const [reason, send] of wrong) {
    using socket = await UnixSocket.connect(path);
    await send(socket);
    t.equal(Number((await keeper.reader.next(From.refused)).value), reason);
  }
  // Silent peers do not keep it from the console.
  const silent = await Promise.all([1, 2, 3].map(() => UnixSocket.connect(path)));
  keeper.reader.resize(90, 20);
  using pty = openPty();
  using socket = await UnixSocket.connect(path);
  await sendFile(socket, "name", pty.ptmx);
  const { payload } = await keeper.reader.next(From.arrived);
  t.strictSame([payload.readInt32LE(0), payload.subarray(12).toString()], [process.pid, "name"]);
  t.equal((await keeper.reader.next(From.size)).value, BigInt(90 | (20 << 16)), "as resize said before it came");
  t.notOk(existsSync(path), "the socket is removed");
  for (const one of silent) one.close();
  keeper.reaper.send(To.signal, 9);
  await keeper.reaper.next(From.exit);
});

t.test("console-keeper [a listening socket for the console, and a directory to remove] uses both", async (t) => {
  const directory = join(tempDir(t), "private");
  mkdirSync(directory);
  const path = join(directory, "socket");
  const server = await UnixServer.listen(path);
  const sockets = startExecutable(t);
  sockets.reader.hello().attach();
  sockets.reaper.hello();
  const argv = onTerminal("echo A; exit 7").map((argument) => argument.replace("{}", path));
  const flags = StartFlags.consoleListener | StartFlags.removeDirectory;
  const [body = Buffer.alloc(0)] = startRecords(startBody({ argv, flags, consolePath: path }));
  sockets.reaper.stream.writeWithFds(body, [server.fd]);
  t.equal((await sockets.reader.next(From.exit)).value, 7n << 8n);
  t.notOk(existsSync(directory));
  server.close();
  t.equal(await sockets.exited, 0);
});

t.test("console-keeper [standard input] is the command's", async (t) => {
  const file = join(tempDir(t), "input");
  writeFileSync(file, "typed\n");
  const input = openSync(file, "r");
  const sockets = startExecutable(t);
  sockets.reader.hello().attach();
  sockets.reaper.hello();
  const [body = Buffer.alloc(0)] = startRecords(startBody({ argv: ["cat"], flags: StartFlags.stdin }));
  sockets.reaper.stream.writeWithFds(body, [input]);
  closeSync(input);
  t.equal((await sockets.reaper.next(From.runtimeOutput)).payload.toString(), "typed\n");
  t.equal((await sockets.reaper.next(From.exit)).value, 0n);
});

t.test(
  "console-keeper [before the console comes] the reader alone runs under SCHED_FIFO",
  { skip: needs("root") },
  async (t) => {
    const keeper = await startKeeper(t, { argv: ["sh", "-c", "exec sleep 100"] });
    const command = Number((await keeper.reaper.next(From.started)).value);
    // proc(5): the 41st field of stat is the policy.
    const policyOf = (pid: number): string | undefined =>
      readFileSync(`/proc/${pid}/stat`, "latin1")
        .replace(/^.*\) /, "")
        .split(" ")[38];
    t.strictSame([keeper.pid, keeper.reaperPid(), command].map(policyOf), ["1", "0", "0"]);
    using pty = openPty();
    using socket = await UnixSocket.connect(join(keeper.directory, "console.sock"));
    await sendFile(socket, "name", pty.ptmx);
    await keeper.reader.next(From.arrived);
    t.equal(policyOf(keeper.pid), "0");
  },
);
