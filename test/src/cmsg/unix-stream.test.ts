// UnixStream: a Duplex where a net.Socket goes, with descriptors beside the bytes.
import { once } from "node:events";
import { closeSync, fstatSync, openSync } from "node:fs";
import { createServer as createHttpServer, get, request as httpRequest } from "node:http";
import { createServer, connect as netConnect, type Socket } from "node:net";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { finished, pipeline } from "node:stream/promises";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { OwnedFd, UnixServer, UnixSocket, UnixStream } from "cmsg";
import { native } from "cmsg-native";
import t, { type Test } from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { plainNode } from "../support/plain-node.js";
import { run } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";

// Bare names resolve from here.
const cwd = fileURLToPath(new URL("../..", import.meta.url));

/** Two connected streams, gone with the test. */
function pair(t: Test, options: { allowHalfOpen?: boolean } = {}): [UnixStream, UnixStream] {
  const ends = native.socketpair(1).map((fd) => UnixStream.connect({ fd, ...options }));
  t.teardown(() => {
    for (const end of ends) end.destroy();
  });
  return ends as [UnixStream, UnixStream];
}

/** Bytes and descriptors in the order of their events. */
function record(stream: UnixStream): (string | number)[] {
  const events: (string | number)[] = [];
  stream.on("fds", (fds: number[]) => {
    events.push(fds.length);
    for (const fd of fds) closeSync(fd);
  });
  stream.on("data", (data: Buffer) => events.push(data.toString()));
  return events;
}

/** Until 'end'. (Iterating would destroy the other half too.) */
async function collect(stream: UnixStream): Promise<string> {
  let all = "";
  stream.on("data", (data: Buffer) => {
    all += data;
  });
  await once(stream, "end");
  return all;
}

t.test("connect, write, half-close, the usual events", async (t) => {
  const before = openFds();
  const path = `${tempDir(t)}/s`;
  const server = await UnixServer.listen(path);
  let connected = 0;
  const client = UnixStream.connect({ path, allowHalfOpen: true }, () => connected++);
  t.ok(client.connecting && client.pending);
  t.equal(client.readyState, "opening");
  const ready = once(client, "ready");
  client.write("written before ");
  const peer = UnixStream.connect({ fd: (await server.accept()).release(), allowHalfOpen: true });
  await Promise.all([ready, once(peer, "ready")]);
  t.equal(connected, 1);
  t.notOk(client.connecting || client.pending);
  t.equal(client.readyState, "open");
  t.strictSame(client.address(), {});
  t.equal(client.remoteAddress, path);
  t.strictSame(peer.address(), { path });
  t.equal(peer.peerCredentials().pid, process.pid);
  client.end("the end");
  t.equal(await collect(peer), "written before the end");
  t.equal(client.readyState, "readOnly");
  peer.end("answer");
  t.equal(await collect(client), "answer");
  await Promise.all([finished(client), finished(peer)]);
  t.equal(client.bytesWritten, 22);
  t.equal(client.bytesRead, 6);
  t.equal(client.readyState, "closed");
  t.throws(() => client.fd, { code: "ERR_CMSG_CLOSED" });
  server.close();
  await assertNoLeak(t, before);
});

t.test("what it is asked before it is connected, and once it is closed, it answers as net.Socket does", async (t) => {
  const path = `${tempDir(t)}/s`;
  const server = createServer((socket) => socket.end()).listen(path);
  t.teardown(() => server.close());
  const answers = (socket: Socket | UnixStream) => ({
    connecting: socket.connecting,
    pending: socket.pending,
    readyState: socket.readyState,
    address: socket.address(),
    remoteAddress: socket.remoteAddress,
  });
  const [own, nets] = [UnixStream.connect({ path }), netConnect(path)];
  t.strictSame(answers(own), answers(nets));
  await Promise.all([own, nets].map((socket) => once(socket, "connect")));
  for (const socket of [own, nets]) socket.destroy();
  t.strictSame(answers(own), answers(nets), "destroyed");
  await Promise.all([own, nets].map((socket) => once(socket, "close")));
  t.strictSame(answers(own), answers(nets), "closed");
  t.equal(own.pending, true);
});

t.test("the end of the peer ends the writing side too, unless allowHalfOpen", async (t) => {
  const [one, other] = pair(t);
  one.resume();
  other.end();
  await finished(one);
  t.ok(one.writableFinished);
});

t.test("it talks to Node's net, in both roles, and under node:http", async (t) => {
  const before = openFds();
  const path = `${tempDir(t)}/s`;
  const server = createServer((socket) => socket.pipe(socket)).listen(path);
  const client = UnixStream.connect({ path });
  client.end("echo");
  t.equal(await text(client), "echo");
  await new Promise((resolve) => server.close(resolve));

  const own = await UnixServer.listen(path);
  const net = netConnect(path);
  const accepted = UnixStream.connect({ fd: (await own.accept()).release() });
  pipeline(accepted, accepted).catch(() => {});
  net.end("from net");
  t.equal(await text(net), "from net");
  own.close();

  const http = createHttpServer((request, response) => request.pipe(response)).listen(path);
  const createConnection = () => UnixStream.connect({ path });
  const request = httpRequest({ createConnection, method: "POST", path: "/x", timeout: 10_000 });
  request.end("body");
  const [response] = await once(request, "response");
  t.equal(await text(response), "body");
  await new Promise((resolve) => http.close(resolve));
  await assertNoLeak(t, before);
});

t.test("http is served over it: its listener's connections given to a server of Node's", async (t) => {
  const path = `${tempDir(t)}/s`;
  const server = await UnixServer.listen(path);
  const http = createHttpServer((_, response) => response.end("served"));
  const request = get({ createConnection: () => UnixStream.connect({ path }), headers: { connection: "close" } });
  const stream = UnixStream.connect({ fd: (await server.accept()).release() });
  http.emit("connection", stream);
  const [response] = await once(request, "response");
  t.equal(await text(response), "served");
  server.close();
  stream.destroy();
});

t.test("connect [nobody, not a socket, bad address, aborted, destroyed] is an error, or just the end", async (t) => {
  const before = openFds();
  const dir = tempDir(t);
  const failure = async (stream: UnixStream) => (await once(stream, "error"))[0];
  t.match(await failure(UnixStream.connect({ path: `${dir}/none` })), { code: "ENOENT", syscall: "connect" });
  t.match(await failure(UnixStream.connect({ path: "" })), { code: "ERR_CMSG_INVALID_ARG" });
  const aborted = UnixStream.connect({ path: `${dir}/none`, signal: AbortSignal.abort() });
  t.match(await failure(aborted), { name: "AbortError" });
  const destroyed = UnixStream.connect({ path: `${dir}/none` });
  destroyed.destroy();
  await once(destroyed, "close");
  t.throws(() => UnixStream.connect({ fd: 0 }), { code: "ENOTSOCK" });
  const [one, other] = UnixSocket.pair("seqpacket");
  t.throws(() => UnixStream.connect({ fd: one.fd }), { code: "ERR_CMSG_NOT_UNIX" });
  one.close();
  other.close();
  const [left, right] = native.socketpair(1);
  UnixStream.connect({ fd: left }).destroy();
  UnixStream.connect({ fd: new OwnedFd(right) }).destroy();
  await assertNoLeak(t, before);
});

t.test("connect [backlog full, then destroyed] closes at once", async (t) => {
  const server = await UnixServer.listen(`${tempDir(t)}/s`, { backlog: 0 });
  const first = await UnixSocket.connect(server.path);
  const before = openFds();
  const stream = UnixStream.connect({ path: server.path });
  await turn();
  stream.destroy();
  await once(stream, "close");
  await assertNoLeak(t, before);
  first.close();
  server.close();
});

t.test("'fds' comes just before the bytes they came with; the listener's to close", async (t) => {
  const before = openFds();
  const [one, other] = pair(t);
  await once(one, "connect");
  const events = record(other);
  one.write("plain ");
  t.equal(one.writeWithFds(Buffer.from("one "), [0]), true);
  one.writeWithFds(Buffer.from("two "), [0, 1]);
  await turn();
  one.end("last");
  await finished(other);
  t.equal(events.filter((event) => typeof event === "string").join(""), "plain one two last");
  t.strictSame(
    events.filter((event) => typeof event === "number"),
    [1, 2],
  );
  t.equal(events.indexOf(2), events.indexOf("two ") - 1);
  one.destroy();
  await assertNoLeak(t, before);
});

t.test("'fds' [bytes before are not consumed yet] waits until they are", async (t) => {
  const before = openFds();
  const [one, other] = pair(t);
  const seen: (string | number)[] = [];
  other.on("fds", (fds: number[]) => {
    seen.push(fds.length);
    for (const fd of fds) closeSync(fd);
  });
  await once(one, "connect");
  one.write("first");
  await once(other, "readable");
  one.writeWithFds(Buffer.from("second"), [0]);
  one.writeWithFds(Buffer.from("third"), [0, 0]);
  for (let i = 0; i < 5; i++) await turn();
  t.strictSame(seen, [], "nothing of the second before the first was read");
  for await (const chunk of other) {
    seen.push(String(chunk));
    if (String(chunk) === "third") break;
  }
  t.strictSame(seen, ["first", 1, "second", 2, "third"]);
  one.destroy();
  await assertNoLeak(t, before);
});

t.test("without a listener for 'fds' they are closed; what is held when it is destroyed, too", async (t) => {
  const before = openFds();
  const [one, other] = pair(t);
  await once(one, "connect");
  one.writeWithFds(Buffer.from("x"), [0, 0, 0]);
  const [data] = await once(other, "data");
  t.equal(String(data), "x");
  other.pause();
  other.on("fds", () => t.fail("never consumed up to there"));
  one.write("plain");
  while (other.readableLength === 0) await turn();
  one.writeWithFds(Buffer.from("y"), [0, 0]);
  for (let i = 0; i < 5; i++) await turn();
  other.destroy();
  one.destroy();
  await assertNoLeak(t, before);
});

t.test(
  "writeWithFds borrows the descriptors for the call, also before it is connected and when there is no room",
  async (t) => {
    const before = openFds();
    const [one, other] = pair(t);
    const numbers: number[] = [];
    other.on("fds", (fds: number[]) => numbers.push(...fds));
    const inode = fstatSync(openSync("/proc/self/status", "r")).ino;
    const write = (bytes: Buffer) => {
      const fd = openSync("/proc/self/status", "r");
      const result = one.writeWithFds(bytes, [fd]);
      closeSync(fd);
      return result;
    };
    write(Buffer.from("early"));
    await once(one, "connect");
    other.pause();
    t.equal(one.write(Buffer.alloc(3_000_000)), false);
    t.equal(write(Buffer.from("late")), false);
    t.equal(write(Buffer.alloc(500_000)), false);
    let length = 0;
    other.on("data", (data: Buffer) => {
      length += data.length;
    });
    other.resume();
    one.end();
    await finished(other);
    t.equal(length, 3_500_009);
    t.equal(numbers.length, 3);
    for (const fd of numbers) {
      t.equal(fstatSync(fd).ino, inode);
      closeSync(fd);
    }
    one.destroy();
    for (const [fd, what] of openFds()) if (!before.has(fd) && what.endsWith("/status")) closeSync(fd);
    await assertNoLeak(t, before);
  },
);

t.test("writeWithFds is false as soon as descriptors have to wait, and 'drain' comes when they are gone", async (t) => {
  const before = openFds();
  const [one, other] = pair(t);
  await once(one, "connect");
  other.pause();
  let written = 1;
  while (one.writeWithFds(Buffer.from("x"), [0])) written++;
  t.ok(written > 100, `${written} went at once`);
  t.equal(openFds().size - before.size, 3, "the two ends, and one copy");
  let received = 0;
  other.on("fds", (fds: number[]) => {
    received += fds.length;
    for (const fd of fds) closeSync(fd);
  });
  other.resume();
  await once(one, "drain");
  one.end();
  await finished(other);
  t.equal(received, written);
  one.destroy();
  await assertNoLeak(t, before);
});

t.test("writeWithFds [room comes up between its two attempts] tells of it by one 'drain'", async (t) => {
  const before = openFds();
  for (const length of [1, 100_000]) {
    const [one, other] = pair(t);
    await once(one, "connect");
    while (native.sendmsg(one.fd, Buffer.alloc(1), 0, 0) > 0);
    /** Looked at when it is sent, and again when it is copied: by then somebody has made room. */
    class Standing extends OwnedFd {
      looks = 0;
      override get fd(): number {
        if (++this.looks === 2) while (native.recvmsg(other.fd, 65536, 0) > 0);
        return super.fd;
      }
    }
    const standing = new Standing(openSync("/dev/null", "r"));
    let drains = 0;
    one.on("drain", () => drains++);
    t.notOk(one.writeWithFds(Buffer.alloc(length, "y"), [standing]));
    t.ok(standing.looks >= 2);
    standing.close();
    const events = record(other);
    if (drains === 0) await once(one, "drain");
    one.end();
    await finished(other);
    t.equal(drains, 1);
    t.equal(events.find(Number.isInteger), 1, "and the descriptor came");
    one.destroy();
  }
  await assertNoLeak(t, before);
});

t.test("writeWithFds refuses what cannot travel, and the stream goes on", async (t) => {
  const before = openFds();
  const [one, other] = pair(t);
  await once(one, "connect");
  const byte = Buffer.from("x");
  for (const full of [false, true]) {
    if (full) one.cork();
    t.throws(() => one.writeWithFds(byte, [99999]), { code: "EBADF" });
    t.throws(() => one.writeWithFds(byte, [-1]), { code: "ERR_CMSG_INVALID_ARG" });
    t.throws(() => one.writeWithFds(byte, Array(254).fill(0)), { code: "ERR_CMSG_FD_COUNT" });
    t.throws(() => one.writeWithFds(Buffer.alloc(0), [0]), { code: "ERR_CMSG_NO_DATA" });
    const closed = new OwnedFd(native.dup(0));
    closed.close();
    t.throws(() => one.writeWithFds(byte, [closed]), { code: "ERR_CMSG_CLOSED" });
  }
  one.writeWithFds(Buffer.from("corked"), [0]);
  one.writeWithFds(Buffer.from("without"), []);
  one.uncork();
  one.end();
  t.equal(await text(other), "corkedwithout");
  const failed = once(one, "error");
  one.writeWithFds(byte, [0]);
  t.match(await failed, [{ code: "ERR_STREAM_WRITE_AFTER_END" }]);
  one.destroy();
  await assertNoLeak(t, before);
});

t.test("253 descriptors in one write", async (t) => {
  const before = openFds();
  const [one, other] = pair(t);
  other.on("fds", (fds: number[]) => {
    t.equal(new Set(fds).size, 253);
    for (const fd of fds) closeSync(fd);
  });
  one.writeWithFds(Buffer.from("many"), Array(253).fill(0));
  one.end();
  t.equal(await text(other), "many");
  one.destroy();
  await assertNoLeak(t, before);
});

t.test("a peer that closes with bytes unread: ECONNRESET; writing to one that is gone: EPIPE", async (t) => {
  const [one, other] = pair(t);
  await once(one, "connect");
  one.write("unread");
  other.destroy();
  const [error] = await once(one, "error");
  t.match(error, { code: /^(ECONNRESET|EPIPE)$/ });
  const [left, right] = native.socketpair(1);
  const stream = UnixStream.connect({ fd: left, allowHalfOpen: true });
  await once(stream, "connect");
  native.close(right);
  stream.writeWithFds(Buffer.from("x"), [0]);
  t.match((await once(stream, "error"))[0], { code: "EPIPE", syscall: "sendmsg" });
});

t.test("setTimeout tells of silence, and bytes put it off", async (t) => {
  const [one, other] = pair(t);
  one.setTimeout(30);
  t.equal(one.timeout, 30);
  await once(one, "timeout");
  one.setTimeout(0, () => t.fail("never"));
  other.setTimeout(5, () => other.destroy());
  await once(other, "close");
});

t.test("ref and unref decide whether a waiting stream keeps the process", async (t) => {
  const script = `import("cmsg").then(({ UnixStream, UnixSocket }) => {
    const [one, other] = UnixSocket.pair();
    globalThis.kept = [other, UnixStream.connect({ fd: one.release() }).on("data", () => {}).unref()];
    process.on("exit", () => console.log("ended"));
  })`;
  const [command, ...args] = plainNode;
  t.match(await run(t, command, [...args, "-e", script], { cwd }), { status: 0, stdout: "ended\n" });
  const [stream] = pair(t);
  stream.unref();
  stream.ref();
});

t.test("back-pressure: a reader that does not read stops the writer, and nothing is lost", async (t) => {
  const [one, other] = pair(t);
  const chunk = Buffer.alloc(100_000, "x");
  for (let i = 0; i < 50; i++) one.write(chunk);
  for (let i = 0; i < 20; i++) await turn();
  t.ok(one.writableNeedDrain);
  t.ok(other.readableLength <= 200_000, "the rest is in the kernel or with the writer");
  const all = buffer(other);
  await once(one, "drain");
  one.end();
  t.equal((await all).length, 50 * chunk.length);
  const [source, sink] = pair(t);
  const received = buffer(sink);
  await pipeline(Readable.from(Array.from({ length: 50 }, () => chunk)), source);
  t.equal((await received).length, 5_000_000);
});

t.test("a listener that throws is an uncaught exception like any other's, and the bytes still come", async (t) => {
  const script = `import("cmsg").then(({ sendmsg, UnixStream, UnixSocket }) => {
    const [one, other] = UnixSocket.pair();
    const stream = UnixStream.connect({ fd: other.release() });
    stream.on("fds", () => { throw new Error("the listener's own"); });
    stream.on("data", (data) => { console.log(String(data)); stream.destroy(); });
    process.on("uncaughtException", (error) => console.log(error.message));
    sendmsg(one.fd, Buffer.from("bytes"), { rights: [0] });
  })`;
  const [command, ...args] = plainNode;
  const { stdout } = await run(t, command, [...args, "-e", script], { cwd });
  t.strictSame(stdout.trim().split("\n").sort(), ["bytes", "the listener's own"]);
});
