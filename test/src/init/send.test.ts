// What the receiver gets: the bytes, the one descriptor, the size; and what happens without a receiver.

import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import t, { type Test } from "tap";
import { type PeerStep, startPeer } from "../support/peer.js";
import { run, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";
import { consoleInit, hostTerminal, receiver, startInit, toTheEnd } from "./receiver.js";

const skip = needs("python3");
const nothingMore = { payload: "", fds: 0 };

t.test("console-init sends /dev/ptmx in one message with one descriptor", { skip }, async (t) => {
  const to = await receiver(t, [{ receive: true }, toTheEnd]);
  t.match(await startInit(t, to, ["true"]).ended, { status: 0, stdout: "", stderr: "" });
  const reports = await to.peer.done();
  t.match(reports[2], { payload: "/dev/ptmx", fds: 1, flags: 0 });
  t.match(reports[3], nothingMore, "and closes the connection");
});

t.test("console-init --size sets the window size before it sends", { skip }, async (t) => {
  for (const [options, size] of [
    [
      ["--size", "132x43"],
      [132, 43],
    ],
    [["--size=65535x1"], [65535, 1]],
    [[], [0, 0]],
  ] as const) {
    const to = await receiver(t, [{ size: true }, toTheEnd]);
    startInit(t, to, ["stty", "size"], { options: [...options] });
    const reports = await to.peer.done();
    t.strictSame(reports[3]?.size, size, "as the receiver finds it");
    t.equal(reports[4]?.data, `${size[1]} ${size[0]}\r\n`, "as the command finds it");
  }
});

const tooLong = (t: Test) => {
  const dir = join(tempDir(t), "d".repeat(100), "e".repeat(100));
  mkdirSync(dir, { recursive: true });
  return dir;
};

t.test("console-init --console-socket takes", { skip }, async (t) => {
  const echo = async (t: Test, path: string, cwd?: string, listen = path) => {
    const to = await receiver(t, [toTheEnd], listen);
    const init = startInit(t, { ...to, socket: path }, ["pwd"], { ...(cwd && { cwd }) });
    t.match(await init.ended, { status: 0, stderr: "" });
    t.equal(await to.shown(), `${cwd ?? process.cwd()}\r\n`, "and leaves the working directory as it was");
  };
  t.test("a relative path", async (t) => {
    const dir = tempDir(t);
    await echo(t, "s", dir, join(dir, "s"));
  });
  t.test("a path of 107 bytes", async (t) => {
    const dir = tempDir(t);
    await echo(t, join(dir, "s".repeat(107 - dir.length - 1)));
  });
  t.test("an abstract name, of just its length", (t) => echo(t, `@console-init-test-${process.pid}`));
  t.test("an abstract name of 107 bytes", (t) => echo(t, `@${String(process.pid).padEnd(107, "x")}`));
  t.test("a path longer than a socket address", async (t) => {
    const dir = tooLong(t);
    const to = await receiver(t, [toTheEnd], await shortcut(t, dir));
    const init = startInit(t, { ...to, socket: join(dir, "s") }, ["pwd"]);
    t.match(await init.ended, { status: 0, stderr: "" });
    t.equal(await to.shown(), `${process.cwd()}\r\n`, "and leaves the working directory as it was");
  });
});

/** A short path into a directory with a long one, for a witness that knows no other way to bind there. */
async function shortcut(t: Test, dir: string) {
  const link = join(tempDir(t), "l");
  await run(t, "ln", ["-s", dir, link]);
  return join(link, "s");
}

t.test(
  "console-init --console-socket-fd sends over an inherited socket, here a non-blocking one",
  { skip },
  async (t) => {
    const socket = join(tempDir(t), "s");
    const peer = startPeer(t, [{ listen: socket }, { accept: true }, { receive: true }, { receive: true }, toTheEnd]);
    await peer.step(0);
    const client = connect(socket);
    await once(client, "connect");
    const { fd } = (client as unknown as { _handle: { fd: number } })._handle;
    const init = start(t, consoleInit, [...hostTerminal, "--console-socket-fd", "3", "echo", "here"], { fds: [fd] });
    client.destroy();
    t.match(await init.ended, { status: 0, stderr: "" });
    const reports = await peer.done();
    t.match(reports[2], { payload: "/dev/ptmx", fds: 1 });
    t.match(reports[3], nothingMore, "the command does not hold the socket");
    t.equal(reports[4]?.data, "here\r\n");
  },
);

t.test("console-init [no receiver] exits 125 and runs nothing", { skip }, async (t) => {
  const dir = tempDir(t);
  const refused = async (name: string, socket: string[], message: RegExp, fds: number[] = []) => {
    const mark = join(dir, "ran");
    const init = start(t, consoleInit, [...hostTerminal, ...socket, "touch", mark], { fds });
    const { status, stderr } = await init.ended;
    t.equal(status, 125, name);
    t.match(stderr, message, name);
    t.match(stderr, /^console-init: [^\n]+\n$/, `${name}: one line`);
    t.throws(() => readFileSync(mark), { code: "ENOENT" }, `${name}: the command has not run`);
  };
  const peer = async (steps: PeerStep[]) => {
    const witness = startPeer(t, steps);
    await witness.step(0);
  };
  const at = (name: string) => ["--console-socket", join(dir, name)];

  await refused("no such path", at("none"), /got no such file/);
  writeFileSync(join(dir, "file"), "");
  await refused("not a socket", at("file"), /got a refused connection; start the receiver first/);
  await refused(
    "no such abstract name",
    ["--console-socket", `@none-${process.pid}`],
    /got a refused connection; start the receiver first/,
  );
  await refused("a name too long", ["--console-socket", join(dir, "x".repeat(200))], /at most 108 bytes/);
  await refused("an abstract name too long", ["--console-socket", `@${"x".repeat(108)}`], /107 after @/);
  await refused("no such directory, long", at(`${"d".repeat(120)}/s`), /got no such file/);
  await peer([{ listen: { path: join(dir, "seq"), type: "seqpacket" } }, { hold: true }]);
  await refused("a seqpacket listener", at("seq"), /another type; make the receiver listen on a stream socket/);
  await refused("a descriptor that is not open", ["--console-socket-fd", "9"], /got a descriptor that is not open/);
  const file = openSync("/dev/null", "r");
  t.teardown(() => closeSync(file));
  await refused("a descriptor that is no socket", ["--console-socket-fd", "3"], /got a file that is not a socket/, [
    file,
  ]);
});

t.test("console-init [the receiver closes first] exits 125", { skip }, async (t) => {
  const socket = join(tempDir(t), "s");
  const peer = startPeer(t, [{ listen: socket }, { accept: true }, { close: true }]);
  await peer.step(0);
  const client = connect({ path: socket, allowHalfOpen: true }); // or Node would close its side as well
  await peer.done();
  const { fd } = (client as unknown as { _handle: { fd: number } })._handle;
  const init = start(t, consoleInit, [...hostTerminal, "--console-socket-fd=3", "true"], { fds: [fd] });
  t.match(await init.ended, { status: 125, stderr: /got a closed connection; see what the receiver says/ });
  client.destroy();
});

t.test("console-init asks the kernel in the order that is safe", { skip: needs("python3", "strace") }, async (t) => {
  const to = await receiver(t, [toTheEnd]);
  const log = join(tempDir(t), "log");
  const init = startInit(t, to, ["true"], { options: ["--size=80x24"], through: ["strace", "-f", "-o", log] });
  t.match(await init.ended, { status: 0 });
  const calls = readFileSync(log, "utf8").split(/execve\("[^"]*\/true"/)[0] ?? "";
  const order = [
    "prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE",
    "fstatfs(",
    "TIOCGPTPEER",
    "TIOCSWINSZ",
    "sendmsg(",
    "setsid(",
    "TIOCSCTTY",
    "dup2(",
  ].map((call) => calls.indexOf(call));
  t.strictSame(
    order,
    [...order].sort((a, b) => a - b),
  );
  t.notOk(order.includes(-1), "and each of it");
  t.notMatch(calls, /"\/dev\/pts/, "no terminal is opened by its path");
  t.equal(calls.match(/sendmsg\(/g)?.length, 1);
});
