// What is full: the table of open files, the descriptors on their way, a path.
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { UnixServer, UnixSocket } from "cmsg";
import t from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { startPeer } from "../support/peer.js";
import { plainNode } from "../support/plain-node.js";
import { run } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { SilentFuse } from "../support/silent-fuse.js";
import { tempDir } from "../support/temp-dir.js";
import { unsupported } from "../support/unsupported.js";

const cwd = fileURLToPath(new URL("../..", import.meta.url));

/** Runs a program under a limit of open files. */
async function underLimit(t: Parameters<typeof run>[0], limit: number, body: string) {
  const script = `import("cmsg").then(async ({ recvmsg, sendmsg, OwnedFd, UnixServer, UnixSocket }) => {
    const { openSync, closeSync, readdirSync } = require("node:fs");
    const count = () => readdirSync("/proc/self/fd").length;
    const fill = () => { const fds = []; for (;;) try { fds.push(openSync("/dev/null")); } catch { return fds; } };
    const codeOf = (promise) => promise.then(() => "resolved", (error) => error.code);
    ${body}
  }).catch((error) => { console.error(error); process.exit(1); })`;
  const shell = ["-c", `ulimit -n ${limit} && exec "$@"`, "sh", ...plainNode, "-e", script];
  const { stdout, stderr, status } = await run(t, "sh", shell, { cwd });
  t.equal(status, 0, stderr);
  return JSON.parse(stdout || "null");
}

t.test("EMFILE [receive]: the message and its descriptors wait until files were closed", async (t) => {
  for (const type of ["stream", "seqpacket", "datagram"]) {
    const seen = await underLimit(
      t,
      60,
      `const [one, other] = UnixSocket.pair("${type}", { passCredentials: true });
       await one.send(Buffer.from("first"), [0, 0, 0]);
       await one.send(Buffer.from("second"), [0]);
       const filler = fill();
       closeSync(filler.pop()); // two are needed more
       const codes = [await codeOf(other.receive()), await codeOf(other.receive())];
       for (const fd of filler.splice(-20)) closeSync(fd);
       const before = count();
       const messages = [await other.receive(), await other.receive()];
       const result = messages.map((m) => [m.data.toString(), m.fds.length, m.credentials.pid === process.pid]);
       for (const message of messages) message[Symbol.dispose]();
       console.log(JSON.stringify({ codes, result, left: count() - before }));`,
    );
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
  "EMFILE [no number for the pidfd beside the credentials]: the message waits; recvmsg gives it without",
  { skip: unsupported({ passPidfd: true }) },
  async (t) => {
    const cases = ["stream", "seqpacket", "datagram"].flatMap((type) => [0, 1].map((fds) => ({ type, fds })));
    for (const { type, fds } of cases) {
      const seen = await underLimit(
        t,
        60,
        `const [one, other] = UnixSocket.pair("${type}", { passCredentials: true, passPidfd: true });
         const fds = Array(${fds}).fill(0);
         const told = (m) => [m.data.toString(), m.fds.length, m.credentials.pid === process.pid, m.pidfd !== undefined];
         const before = count();
         await one.send(Buffer.from("kept"), fds);
         const filler = fill();
         for (const _ of fds) closeSync(filler.pop()); // for all but the pidfd
         const codes = [await codeOf(other.receive()), await codeOf(other.receive())];
         closeSync(filler.pop());
         const kept = await other.receive();
         const whole = told(kept);
         kept[Symbol.dispose]();
         await one.send(Buffer.from("one call"), fds);
         filler.push(openSync("/dev/null"));
         const single = recvmsg(other.fd);
         const without = told(single);
         single[Symbol.dispose]();
         for (const fd of filler) closeSync(fd);
         console.log(JSON.stringify({ codes, whole, without, left: count() - before }));`,
      );
      t.strictSame(
        seen,
        {
          codes: ["EMFILE", "EMFILE"],
          whole: ["kept", fds, true, true],
          without: ["one call", fds, true, false],
          left: 0,
        },
        `${type}, ${fds} descriptors`,
      );
    }
  },
);

t.test("EMFILE [recvmsg, which makes one call] is ERR_CMSG_TRUNCATED, and what came is closed", async (t) => {
  const seen = await underLimit(
    t,
    60,
    `const [one, other] = UnixSocket.pair();
     await one.send(Buffer.from("x"), [0, 0, 0]);
     const filler = fill();
     closeSync(filler.pop());
     let code;
     try { recvmsg(other.fd); } catch (error) { code = error.code; }
     const free = openSync("/dev/null");
     console.log(JSON.stringify({ code, closed: code && free > 0 }));`,
  );
  t.strictSame(seen, { code: "ERR_CMSG_TRUNCATED", closed: true });
});

t.test("EMFILE [accept]: the connection stays queued", async (t) => {
  const seen = await underLimit(
    t,
    60,
    `const server = await UnixServer.listen({ abstract: "cmsg-limit-" + process.pid });
     const client = await UnixSocket.connect({ abstract: "cmsg-limit-" + process.pid });
     const filler = fill();
     const first = await codeOf(server.accept());
     closeSync(filler.pop());
     const second = await codeOf(server.accept());
     console.log(JSON.stringify([first, second]));
     server.close(); client.close(); process.exit(0);`,
  );
  t.strictSame(seen, ["EMFILE", "resolved"]);
});

t.test("ETOOMANYREFS: nothing was sent; after a receive there is room", { skip: needs("root") }, async (t) => {
  const seen = await underLimit(
    t,
    100,
    `process.setgroups([]); process.setgid(65534); process.setuid(65534);
     const [one, other] = UnixSocket.pair();
     const twenty = Array(20).fill(0);
     let sent = 0, code;
     while (!code) try { await one.send(Buffer.from("x"), twenty); sent++; } catch (error) { code = error.code; }
     for (let i = 0; i < sent; i++) (await other.receive())[Symbol.dispose]();
     const again = await codeOf(one.send(Buffer.from("again"), twenty));
     (await other.receive())[Symbol.dispose]();
     console.log(JSON.stringify({ some: sent > 0, code, again }));`,
  );
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
  await t.rejects(UnixSocket.connect(path), { code: "ENOENT", message: /socket'/ });
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
