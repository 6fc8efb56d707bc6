// What is full: the table of open files, the descriptors on their way, a path.
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { UnixServer, UnixSocket } from "cmsg";
import t, { type Test } from "tap";
import { nodeProgram } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { fixture } from "../support/paths.js";
import { startPeer } from "../support/peer.js";
import { run, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { SilentFuse } from "../support/silent-fuse.js";
import { tempDir } from "../support/temp-dir.js";
import { unsupported } from "../support/unsupported.js";

// As send-lingering.py has it.
const LINGER_MS = 10_000;

/** Runs a program of src/fixtures/cmsg under a limit of open files; what it prints. */
async function underLimit(t: Test, limit: number, name: string, ...args: string[]): Promise<unknown> {
  const program = nodeProgram(`cmsg/${name}`, args).flat();
  const { stdout, stderr, status } = await run(t, "sh", ["-c", `ulimit -n ${limit} && exec "$@"`, "sh", ...program]);
  t.equal(status, 0, stderr);
  return JSON.parse(stdout || "null");
}

t.test("EMFILE [receive]: the message and its descriptors wait until files were closed", async (t) => {
  for (const type of ["stream", "seqpacket", "datagram"]) {
    const seen = await underLimit(t, 60, "receive-with-full-table", type);
    t.strictSame(
      seen,
      {
        codes: ["EMFILE", "EMFILE"],
        result: [
          ["first", 3, true],
          ["second", 1, true],
        ],
        left: 0,
      },
      type,
    );
  }
});

t.test(
  "EMFILE [no number for the pidfd beside the credentials]: the message waits",
  { skip: unsupported({ passPidfd: true }) },
  async (t) => {
    const cases = ["stream", "seqpacket", "datagram"].flatMap((type) => [0, 1].map((fds) => ({ type, fds })));
    for (const { type, fds } of cases) {
      const seen = await underLimit(t, 60, "receive-pidfd-with-full-table", type, `${fds}`);
      t.strictSame(
        seen,
        {
          codes: ["EMFILE", "EMFILE"],
          whole: ["kept", fds, true, true],
          second: ["one call", fds, true, true],
          left: 0,
        },
        `${type}, ${fds} descriptors`,
      );
    }
  },
);

t.test("EMFILE [recvmsg]: the message and its descriptors wait until files were closed", async (t) => {
  const seen = await underLimit(t, 60, "recvmsg-with-full-table");
  t.strictSame(seen, { code: "EMFILE", later: 3 });
});

t.test("EMFILE [accept]: the connection stays queued", async (t) => {
  const seen = await underLimit(t, 60, "accept-with-full-table");
  t.strictSame(seen, ["EMFILE", "resolved"]);
});

t.test("EMFILE [a loop over a server]: the connection stays queued, and the loop goes on", async (t) => {
  const seen = await underLimit(t, 60, "iterate-with-full-table");
  t.strictSame(seen, ["full", "accepted", "ended"]);
});

t.test("ETOOMANYREFS: nothing was sent; after a receive there is room", { skip: needs("root") }, async (t) => {
  const seen = await underLimit(t, 100, "send-too-many-in-flight");
  t.strictSame(seen, { some: true, code: "ETOOMANYREFS", again: "resolved" });
});

t.test("a path longer than sun_path is bound and connected through its directory", async (t) => {
  const before = openFds();
  const directory = `${tempDir(t)}/${"d".repeat(100)}/${"e".repeat(100)}`;
  mkdirSync(directory, { recursive: true });
  const path = `${directory}/socket`;
  const server = await UnixServer.listen(path, { mode: 0o600 });
  t.equal(server.path, path);
  t.ok(existsSync(path));
  const client = await UnixSocket.connect(path);
  (await server.accept()).close();
  client.close();
  await t.rejects(UnixServer.listen(path, { replaceStale: true }), { code: "EADDRINUSE", message: /has that socket/ });
  server.close();
  t.notOk(existsSync(path));
  await t.rejects(UnixSocket.connect(path), { code: "ENOENT", address: path });
  await t.rejects(UnixSocket.connect(`${directory}/none/socket`), { code: "ENOENT" });
  const bound = await UnixSocket.bind(path);
  const sender = await UnixSocket.bind();
  await sender.sendTo(Buffer.from("x"), path);
  t.equal((await bound.receive())?.data.toString(), "x");
  t.equal(bound.address, path);
  bound.close();
  sender.close();
  await assertNoLeak(t, before);
});

t.test("108 bytes of path, without a NUL, are an address; so are 107 of an abstract name", async (t) => {
  const dir = tempDir(t);
  chmodSync(dir, 0o755);
  const path = `${dir}/`.padEnd(108, "p");
  for (const address of [path, { abstract: `${process.pid}`.padEnd(107, "a") }]) {
    const server = await UnixServer.listen(address);
    const client = await UnixSocket.connect(address);
    const accepted = await server.accept();
    t.strictSame(accepted.address, address);
    for (const each of [client, accepted, server]) each.close();
  }
});

t.test(
  "closing what a silent FUSE daemon has to answer for blocks nothing",
  { skip: needs("fuse", "python3") },
  async (t) => {
    const fuse = await SilentFuse.mount(t);
    const server = await UnixServer.listen(`${tempDir(t)}/s`);
    const peer = startPeer(t, [
      { connect: server.path },
      { open: fuse.path },
      { hold: true },
      { send: { fds: ["opened", "opened"] } },
      { hold: true },
    ]);
    const before = openFds();
    const connection = await server.accept();
    await peer.step(1);
    await fuse.silence();
    peer.goOn();
    // One is refused, and the loop goes on while both are being closed.
    await t.rejects(connection.receive({ maxFds: 1 }), { code: "ERR_CMSG_FD_COUNT" });
    const [one, other] = UnixSocket.pair();
    await one.send(Buffer.from("goes on"));
    t.equal((await other.receive())?.data.toString(), "goes on");
    for (const each of [one, other, connection, server]) each.close();
    await fuse.abort();
    await assertNoLeak(t, before);
  },
);

t.test("closing a TCP socket that lingers blocks nothing", { skip: needs("python3") }, async (t) => {
  const server = await UnixServer.listen(`${tempDir(t)}/s`);
  const peer = start(t, "python3", [fixture("send-lingering.py"), server.path]);
  const connection = await server.accept();
  await peer.output(/sent/);
  const [before, begin] = [openFds(), performance.now()];
  // One descriptor too many: both are closed, and each close(2) waits for a peer that reads nothing.
  await t.rejects(connection.receive({ maxFds: 1 }), { code: "ERR_CMSG_FD_COUNT" });
  await turn();
  t.ok(performance.now() - begin < LINGER_MS / 2, "the event loop goes on");
  // A peer that is gone ends the wait.
  peer.kill();
  await assertNoLeak(t, before);
  connection.close();
  server.close();
});
