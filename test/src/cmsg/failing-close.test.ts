// An error of close(2) is not the outcome of the operation that used the descriptor.
import { once } from "node:events";
import { existsSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { UnixServer, UnixSocket } from "cmsg";
import { notify, storeFds } from "cmsg/systemd";
import t from "tap";
import { failCloses } from "../support/failing-close.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { tempDir } from "../support/temp-dir.js";
import { streamPair } from "../support/unix-streams.js";

t.test("a send that waited resolves, and arrives once", async (t) => {
  const before = openFds();
  const [one, other] = UnixSocket.pair("seqpacket");
  let sent = 0;
  let waiting: Promise<void> | undefined;
  // Fills the socket: the last one waits, with a copy of its descriptor.
  for (let settled = true; settled; sent++) {
    settled = false;
    waiting = one.send(Buffer.alloc(1000), [0]);
    waiting.then(
      () => {
        settled = true;
      },
      () => undefined,
    );
    await turn();
  }
  failCloses(t);
  for (let i = 0; i < sent; i++) {
    using message = await other.receive();
    t.equal(message?.fds.length, 1);
  }
  await waiting;
  one.close();
  t.equal(await other.receive(), null, "nothing came twice");
  other.close();
  await assertNoLeak(t, before);
});

t.test("a datagram that waits for another socket's queue goes when there is room", async (t) => {
  const before = openFds();
  const server = await UnixSocket.bind();
  const client = await UnixSocket.bind();
  const address = server.address ?? "";
  let settled = true;
  let waiting: Promise<void> | undefined;
  for (; settled; await turn()) {
    settled = false;
    waiting = client.sendTo(Buffer.from("x"), address, [0]).then(() => {
      settled = true;
    });
  }
  failCloses(t);
  (await server.receive())?.[Symbol.dispose]();
  await waiting;
  client.close();
  server.close();
  await assertNoLeak(t, before);
});

t.test("a UnixStream's write with descriptors completes, and its destruction is no error", async (t) => {
  const before = openFds();
  const [one, other] = streamPair(t);
  await once(one, "connect");
  const filler = Buffer.alloc(1 << 20);
  one.write(filler);
  t.equal(one.writeWithFds(Buffer.from("end"), [0, 0]), false, "it waits, with copies");
  one.end();
  failCloses(t);
  let bytes = 0;
  let last = "";
  one.resume();
  other.on("data", (data: Buffer) => {
    bytes += data.length;
    last = data.toString("latin1").slice(-3);
  });
  await once(other, "end");
  t.equal(bytes, filler.length + 3, "every byte came once");
  t.equal(last, "end");
  await Promise.all([one, other].map((end) => end.closed || once(end, "close")));
  t.equal(one.errored, null);
  t.equal(other.errored, null);
  await assertNoLeak(t, before);
});

t.test("what is told to the service manager resolves", async (t) => {
  const before = openFds();
  const path = `${tempDir(t)}/notify`;
  const manager = await UnixSocket.bind(path);
  process.env["NOTIFY_SOCKET"] = path;
  t.teardown(() => delete process.env["NOTIFY_SOCKET"]);
  failCloses(t);
  await storeFds("input", [0]);
  await notify({ ready: true });
  for (const text of ["FDSTORE=1\nFDNAME=input", "READY=1"]) {
    using message = await manager.receive();
    t.equal(message?.data.toString(), text);
  }
  manager.close();
  await assertNoLeak(t, before);
});

t.test("a failure keeps its reason", async (t) => {
  const before = openFds();
  const path = `${tempDir(t)}/s`;
  const server = await UnixServer.listen(path);
  failCloses(t);
  await t.rejects(UnixSocket.connect(`${path}.not`), { code: "ENOENT", syscall: "connect" });
  await t.rejects(UnixServer.listen(path, { replaceStale: true }), { code: "EADDRINUSE", syscall: "bind" });
  await t.rejects(UnixSocket.bind(path), { code: "EADDRINUSE", syscall: "bind" });
  server.close();
  t.notOk(existsSync(path));
  await assertNoLeak(t, before);
});
