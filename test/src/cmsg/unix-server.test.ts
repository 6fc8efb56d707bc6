// UnixServer: binding without a moment of wrong permissions, accepting and closing. Stale files: replace-stale.test.ts.
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { UnixServer, UnixSocket } from "cmsg";
import { native } from "cmsg-native";
import t from "tap";
import { listenAsNobody } from "../support/listen-as-nobody.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";

const mode = (path: string) => (lstatSync(path).mode & 0o777).toString(8);

function connectRaw(path: string): number {
  const fd = native.socket(1);
  native.connect(fd, Buffer.from(path));
  return fd;
}

t.test("listen and accept; close removes the file", async (t) => {
  const before = openFds();
  const path = `${tempDir(t)}/s`;
  const server = await UnixServer.listen(path, { mode: 0o600 });
  t.equal(server.path, path);
  t.equal(mode(path), "600");
  const waiting = server.accept();
  const client = await UnixSocket.connect(path);
  const connection = await waiting;
  await client.send(Buffer.from("hi"));
  t.equal((await connection.receive())?.data.toString(), "hi");
  server.close();
  server.close();
  t.notOk(existsSync(path));
  t.notOk(connection.closed, "connections live on");
  client.close();
  connection.close();
  await assertNoLeak(t, before);
});

t.test("accept [closed, aborted] and iteration", async (t) => {
  const path = `${tempDir(t)}/s`;
  const server = await UnixServer.listen(path);
  const controller = new AbortController();
  const aborted = server.accept({ signal: controller.signal });
  controller.abort();
  await t.rejects(aborted, { name: "AbortError" });
  const iterated = (async () => {
    let count = 0;
    for await (const connection of server) {
      count++;
      connection.close();
    }
    return count;
  })();
  for (const _ of [1, 2]) {
    const client = await UnixSocket.connect(path);
    t.equal(await client.receive(), null);
    client.close();
  }
  const waiting = server.accept();
  await turn();
  server.close();
  await t.rejects(waiting, { code: "ERR_CMSG_CLOSED" });
  await t.rejects(server.accept(), { code: "ERR_CMSG_CLOSED" });
  t.equal(await iterated, 2);
});

t.test("a flood of connections that close at once leaves the event loop its turn", async (t) => {
  const before = openFds();
  const server = await UnixServer.listen(`${tempDir(t)}/s`);
  const flood = 300;
  for (let i = 0; i < flood; i++) native.close(connectRaw(server.path));
  let accepted = 0;
  let atTurn: number | undefined;
  setImmediate(() => {
    atTurn = accepted;
  });
  for (; accepted < flood; accepted++) (await server.accept()).close();
  t.ok(atTurn !== undefined && atTurn < flood, `the loop's turn came after ${atTurn}`);
  server.close();
  await assertNoLeak(t, before);
});

t.test("close [the socket file cannot be looked at] throws, and closes all the same", async (t) => {
  const before = openFds();
  const dir = tempDir(t);
  mkdirSync(`${dir}/sub`);
  const path = `${dir}/sub/s`;
  const make = { server: () => UnixServer.listen(path), socket: () => UnixSocket.bind(path) };
  for (const [what, open] of Object.entries(make)) {
    const subject = await open();
    const waiting: Promise<unknown> = "accept" in subject ? subject.accept() : subject.receive();
    const ended = t.rejects(waiting, { code: "ERR_CMSG_CLOSED" }, what);
    renameSync(`${dir}/sub`, `${dir}/moved`);
    symlinkSync("sub", `${dir}/sub`);
    t.throws(() => subject.close(), { code: "ELOOP" }, what);
    t.ok(subject.closed, what);
    await ended;
    unlinkSync(`${dir}/sub`);
    renameSync(`${dir}/moved`, `${dir}/sub`);
    unlinkSync(path);
  }
  await assertNoLeak(t, before);
});

t.test("listen [missing directory, not writable, bad address] says which path", async (t) => {
  const before = openFds();
  const dir = tempDir(t);
  await t.rejects(UnixServer.listen(`${dir}/none/s`), { code: "ENOENT", address: `${dir}/none/s` });
  writeFileSync(`${dir}/file`, "");
  await t.rejects(UnixServer.listen(`${dir}/file/s`), { code: "ENOTDIR" });
  await t.rejects(UnixServer.listen(`/${"x".repeat(120)}`), {
    code: "ERR_CMSG_INVALID_ARG",
    message: /108 bytes.*121.*last component/,
  });
  await assertNoLeak(t, before);
});

t.test("listen [a directory without write permission] is EACCES", { skip: needs("root") }, async (t) => {
  const dir = tempDir(t);
  chmodSync(dir, 0o555);
  t.equal(await listenAsNobody(t, `${dir}/s`), "EACCES");
});

t.test("close leaves a file that is no longer the one it made", async (t) => {
  const path = `${tempDir(t)}/s`;
  const server = await UnixServer.listen(path);
  unlinkSync(path);
  writeFileSync(path, "somebody else's");
  server.close();
  t.equal(readFileSync(path, "utf8"), "somebody else's");
});

t.test("abstract names leave no file and are as long as they are", async (t) => {
  const name = `cmsg-test-${process.pid}`;
  const server = await UnixServer.listen({ abstract: name });
  t.equal(server.path, `@${name}`);
  const client = await UnixSocket.connect({ abstract: name });
  (await server.accept()).close();
  client.close();
  await t.rejects(UnixSocket.connect({ abstract: `${name}\0` }), { code: "ECONNREFUSED" });
  await t.rejects(UnixServer.listen({ abstract: name }), { code: "EADDRINUSE", address: `@${name}` });
  server.close();
});

t.test("it serves Node's own net", async (t) => {
  const path = `${tempDir(t)}/s`;
  const server = createServer((socket) => socket.end("from net")).listen(path);
  t.teardown(() => server.close());
  const client = await UnixSocket.connect(path);
  t.equal((await client.receive())?.data.toString(), "from net");
  client.close();
});
