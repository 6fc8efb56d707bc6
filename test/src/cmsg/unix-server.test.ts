// UnixServer: binding without a moment of wrong permissions, accepting and closing. Stale files: replace-stale.test.ts.
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
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

for (const umask of [0o000, 0o022, 0o177, 0o777]) {
  t.test(`listen and bind [mode, umask ${umask.toString(8)}] make exactly that mode`, async (t) => {
    const before = openFds();
    const directory = tempDir(t);
    const usual = process.umask(umask);
    try {
      for (const wanted of [0o660, 0o666, 0o600, 0o2770]) {
        const sockets = [
          await UnixServer.listen(`${directory}/s`, { mode: wanted }),
          await UnixSocket.bind(`${directory}/d`, { mode: wanted }),
        ];
        const modes = ["s", "d"].map((name) => lstatSync(`${directory}/${name}`).mode & 0o7777);
        t.strictSame(modes, [wanted, wanted]);
        for (const socket of sockets) socket.close();
      }
      const server = await UnixServer.listen(`${directory}/s`);
      t.equal(lstatSync(server.path).mode & 0o7777, 0o777 & ~umask, "without one, the umask's");
      server.close();
    } finally {
      process.umask(usual);
    }
    await assertNoLeak(t, before);
  });
}

t.test("listen [mode, another file is at the path after bind] widens nothing of the other file's", async (t) => {
  const before = openFds();
  const usual = process.umask(0o177);
  const { bind } = native;
  try {
    const others: [string, (path: string) => void][] = [
      ["a file", (path) => writeFileSync(path, "")],
      ["a link", (path) => symlinkSync("private", path)],
      ["another name of a socket", (path) => linkSync(`${path}.other`, path)],
      ["nothing", () => {}],
    ];
    for (const [what, put] of others) {
      const path = `${tempDir(t)}/s`;
      writeFileSync(join(dirname(path), "private"), "", { mode: 0o600 });
      const other = await UnixServer.listen(`${path}.other`, { mode: 0o600 });
      native.bind = (fd, name) => {
        bind(fd, name);
        unlinkSync(path);
        put(path);
      };
      await t.rejects(UnixServer.listen(path, { mode: 0o666 }), { code: what === "nothing" ? "ENOENT" : "EADDRINUSE" });
      native.bind = bind;
      t.equal(mode(join(dirname(path), "private")), "600", what);
      t.equal(mode(`${path}.other`), "600", what);
      if (what === "a file") t.equal(mode(path), "600", what);
      other.close();
    }
  } finally {
    native.bind = bind;
    process.umask(usual);
  }
  await assertNoLeak(t, before);
});
