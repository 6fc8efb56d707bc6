// UnixSocket: messages in order, waiting for room, ended by signals and by close.
import { writeFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { closed, OwnedFd, recvmsg, UnixServer, UnixSocket } from "cmsg";
import { native } from "cmsg-native";
import t, { type Test } from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { tempDir } from "../support/temp-dir.js";

function pair(t: Test): [UnixSocket, UnixSocket] {
  const [one, other] = UnixSocket.pair();
  t.teardown(() => {
    one.close();
    other.close();
  });
  return [one, other];
}

/** Sends until the kernel has no room; the number of bytes on their way. */
async function fill(socket: UnixSocket): Promise<number> {
  const { sendmsg } = await import("cmsg");
  const chunk = Buffer.alloc(65536);
  let total = 0;
  for (let sent = sendmsg(socket.fd, chunk); sent !== undefined; sent = sendmsg(socket.fd, chunk)) total += sent;
  return total;
}

async function drain(socket: UnixSocket, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; ) left -= (await socket.receive())?.data.length ?? Number.NaN;
}

t.test("receive waits for a message, and gives null when the peer has closed", async (t) => {
  const before = openFds();
  const [one, other] = UnixSocket.pair();
  const waiting = other.receive();
  await turn();
  await one.send(Buffer.from("hello"), [0]);
  {
    using message = await waiting;
    t.equal(message?.data.toString(), "hello");
    t.equal(message?.fds.length, 1);
  }
  one.close();
  t.equal(await other.receive(), null);
  other.close();
  await assertNoLeak(t, before);
});

t.test("receives that wait are served in the order they were asked for", async (t) => {
  const [one, other] = pair(t);
  const texts = Promise.all([1, 2, 3].map(async () => (await other.receive({ length: 1 }))?.data.toString()));
  await one.send(Buffer.from("abc"));
  t.strictSame(await texts, ["a", "b", "c"]);
});

t.test("sends wait for room, keep their order, and dup their descriptors at the call", async (t) => {
  const before = openFds();
  const [one, other] = UnixSocket.pair();
  const filled = await fill(one);
  const sends = ["first", "second", "third"].map((text) => {
    using fd = new OwnedFd(native.dup(0));
    return one.send(Buffer.from(text), [fd]);
  });
  await drain(other, filled);
  for (const text of ["first", "second", "third"]) {
    using message = await other.receive();
    t.equal(message?.data.toString(), text);
    t.equal(message?.fds.length, 1);
  }
  await Promise.all(sends);
  one.close();
  other.close();
  await assertNoLeak(t, before);
});

t.test("a message larger than the socket's buffer arrives whole, its descriptor once", async (t) => {
  const before = openFds();
  const [one, other] = UnixSocket.pair();
  const data = Buffer.alloc(3_000_000, "0123456789");
  const sending = one.send(data, [0]);
  const parts: Buffer[] = [];
  let fds = 0;
  for (let length = 0; length < data.length; ) {
    using message = await other.receive();
    if (!message) break;
    length += message.data.length;
    fds += message.fds.length;
    parts.push(message.data);
  }
  await sending;
  t.ok(Buffer.concat(parts).equals(data));
  t.equal(fds, 1);
  one.close();
  other.close();
  await assertNoLeak(t, before);
});

t.test("a signal ends a wait with its reason, before and while it waits", async (t) => {
  const [one, other] = pair(t);
  const reason = new Error("no longer");
  await t.rejects(other.receive({ signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  const waiting = other.receive({ signal: controller.signal });
  await turn();
  controller.abort(reason);
  await t.rejects(waiting, reason);
  await one.send(Buffer.from("still usable"));
  t.equal((await other.receive())?.data.toString(), "still usable");
});

t.test("a signal that ends a send [not begun] leaves the socket usable, and closes the copies", async (t) => {
  const [one, other] = pair(t);
  const filled = await fill(one);
  const before = openFds();
  const controller = new AbortController();
  const sending = one.send(Buffer.from("never"), [0], { signal: controller.signal });
  controller.abort();
  await t.rejects(sending, { name: "AbortError" });
  await assertNoLeak(t, before);
  await drain(other, filled);
  await one.send(Buffer.from("next"));
  t.equal((await other.receive())?.data.toString(), "next");
});

t.test("a signal that ends a send [a part is on its way] closes the socket", async (t) => {
  const [one] = pair(t);
  const controller = new AbortController();
  const sending = one.send(Buffer.alloc(5_000_000), [], { signal: controller.signal });
  controller.abort();
  await t.rejects(sending, { name: "AbortError" });
  t.ok(one.closed);
});

t.test("close ends what waits with ERR_CMSG_CLOSED, and whatever comes later", async (t) => {
  const before = openFds();
  const [one, other] = UnixSocket.pair();
  await fill(one);
  const waits: Promise<unknown>[] = [one.receive(), one.send(Buffer.from("x"), [0])];
  one.close();
  one.close();
  for (const wait of waits) await t.rejects(wait, { code: "ERR_CMSG_CLOSED" });
  await t.rejects(one.receive(), { code: "ERR_CMSG_CLOSED" });
  await t.rejects(one.send(Buffer.from("x")), { code: "ERR_CMSG_CLOSED" });
  t.throws(() => one.peerCredentials(), { code: "ERR_CMSG_CLOSED" });
  t.throws(() => one.end(), { code: "ERR_CMSG_CLOSED" });
  other.close();
  await assertNoLeak(t, before);
});

t.test("end lets the peer see the end while receiving goes on", async (t) => {
  const [one, other] = pair(t);
  await one.send(Buffer.from("last"));
  one.end();
  t.equal((await other.receive())?.data.toString(), "last");
  t.equal(await other.receive(), null);
  await other.send(Buffer.from("answer"));
  t.equal((await one.receive())?.data.toString(), "answer");
});

t.test("iteration gives the messages until the peer closes", async (t) => {
  const [one, other] = pair(t);
  const texts: string[] = [];
  const reading = (async () => {
    for await (const message of other) texts.push(message.data.toString());
  })();
  for (const text of ["a", "b"]) {
    await one.send(Buffer.from(text));
    await turn();
  }
  one.close();
  await reading;
  t.equal(texts.join(""), "ab");
});

t.test("connect [nobody there, not a socket, bad address] tells which", async (t) => {
  const before = openFds();
  const dir = tempDir(t);
  writeFileSync(`${dir}/file`, "");
  await t.rejects(UnixSocket.connect(`${dir}/none`), {
    code: "ENOENT",
    errno: -2,
    syscall: "connect",
    address: `${dir}/none`,
    message: `connect ENOENT: no such file or directory ${dir}/none`,
  });
  await t.rejects(UnixSocket.connect(`${dir}/file`), { code: "ECONNREFUSED", address: `${dir}/file` });
  await t.rejects(UnixSocket.connect({ abstract: `${dir}/none` }), { code: "ECONNREFUSED", address: `@${dir}/none` });
  for (const wrong of ["", "a\0b", `/tmp/${"x".repeat(200)}`, { abstract: "" }, { abstract: "x".repeat(108) }]) {
    await t.rejects(UnixSocket.connect(wrong), { code: "ERR_CMSG_INVALID_ARG" });
  }
  await t.rejects(UnixSocket.connect("/x", { signal: AbortSignal.abort() }), { name: "AbortError" });
  await assertNoLeak(t, before);
});

t.test("connect [backlog full] waits for room, until its signal", async (t) => {
  const before = openFds();
  const server = await UnixServer.listen(`${tempDir(t)}/s`, { backlog: 0 });
  const first = await UnixSocket.connect(server.path);
  const controller = new AbortController();
  const given = UnixSocket.connect(server.path, { signal: controller.signal });
  const patient = UnixSocket.connect(server.path);
  await turn();
  controller.abort();
  await t.rejects(given, { name: "AbortError" });
  const accepted = [await server.accept(), await server.accept()];
  for (const socket of [first, await patient, ...accepted, server]) socket.close();
  await assertNoLeak(t, before);
});

t.test("fromFd takes a stream socket, and leaves its O_NONBLOCK as it was", async (t) => {
  const [one, other] = native.socketpair(1);
  const flags = native.getStatusFlags(one);
  const socket = UnixSocket.fromFd(one);
  t.equal(native.getStatusFlags(one), flags);
  socket.close();
  await closed();
  t.equal(recvmsg(other)?.data.length, 0, "it was closed with its owner");
  native.close(other);
  t.throws(() => UnixSocket.fromFd(0), { code: "ENOTSOCK" });
});

t.test("peerCredentials are the other end's", async (t) => {
  const [one] = pair(t);
  t.strictSame(one.peerCredentials(), { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() });
});

t.test("ECONNRESET: the peer closed with bytes unread", async (t) => {
  const [one, other] = pair(t);
  await one.send(Buffer.from("unread"));
  other.close();
  await t.rejects(one.receive(), { code: "ECONNRESET", syscall: "recvmsg" });
});
