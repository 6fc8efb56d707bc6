// Seqpacket and datagram sockets: a message is what was sent, descriptors included.
import { existsSync, lstatSync } from "node:fs";
import { OwnedFd, recvmsg, type SocketType, sendmsg, UnixServer, UnixSocket } from "cmsg";
import { native } from "cmsg-native";
import t from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { startPeer } from "../support/peer.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";
import { turns } from "../support/turns.js";

const text = (message: { data: Buffer } | null | undefined) => message?.data.toString();

for (const type of ["seqpacket", "datagram"] as const satisfies SocketType[]) {
  t.test(`${type}: records keep their boundaries and their descriptors`, async (t) => {
    const before = openFds();
    const [one, other] = UnixSocket.pair(type);
    t.equal(one.type, type);
    for (const [record, fds] of [["plain"], ["with two", [0, 0]], ["behind"], ["with one", [0]]] as const) {
      await one.send(Buffer.from(record), fds);
    }
    for (const [record, count] of [
      ["plain", 0],
      ["with two", 2],
      ["behind", 0],
      ["with one", 1],
    ] as const) {
      using message = await other.receive();
      t.equal(text(message), record);
      t.equal(message?.fds.length, count);
    }
    one.close();
    other.close();
    await assertNoLeak(t, before);
  });

  t.test(`${type}: a record longer than asked for is ERR_CMSG_DATA_TRUNCATED, and the next one is whole`, async (t) => {
    const [one, other] = UnixSocket.pair(type);
    const before = openFds();
    await one.send(Buffer.alloc(100), [0, 0]);
    await one.send(Buffer.from("next"));
    await t.rejects(other.receive({ length: 50 }), { code: "ERR_CMSG_DATA_TRUNCATED", message: /50 bytes.* 2 desc/ });
    t.equal(text(await other.receive()), "next");
    await assertNoLeak(t, before);
    one.close();
    other.close();
  });

  t.test(`${type}: a record larger than the socket's buffer is EMSGSIZE, and sends nothing`, async (t) => {
    const [one, other] = UnixSocket.pair(type);
    await t.rejects(one.send(Buffer.alloc(10_000_000), [0]), { code: "EMSGSIZE" });
    t.equal(recvmsg(other.fd), undefined);
    one.close();
    other.close();
  });

  t.test(`${type}: sends wait for room and keep their order`, async (t) => {
    const [one, other] = UnixSocket.pair(type);
    const records = Array.from({ length: 600 }, (_, index) => `${index}`);
    const sending = Promise.all(records.map((record) => one.send(Buffer.from(record), [0])));
    const received: (string | undefined)[] = [];
    for (const _ of records) {
      using message = await other.receive();
      t.equal(message?.fds.length, 1);
      received.push(text(message));
    }
    await sending;
    t.strictSame(received, records);
    one.close();
    other.close();
  });
}

t.test("seqpacket: listen, connect, the end, and no empty record", async (t) => {
  const server = await UnixServer.listen(`${tempDir(t)}/s`, { type: "seqpacket" });
  await t.rejects(UnixSocket.connect(server.path), { code: "EPROTOTYPE" });
  const client = await UnixSocket.connect(server.path, { type: "seqpacket" });
  const connection = await server.accept();
  t.equal(connection.type, "seqpacket");
  await client.send(Buffer.from("record"));
  t.equal(text(await connection.receive()), "record");
  await t.rejects(client.send(Buffer.alloc(0), [0]), { code: "ERR_CMSG_NO_DATA" });
  client.end();
  t.equal(await connection.receive(), null);
  for (const each of [client, connection, server]) each.close();
});

t.test("seqpacket: an empty record of another sender is told from the end by its descriptor", async (t) => {
  const [raw, end] = native.socketpair(5);
  const socket = UnixSocket.fromFd(end);
  native.sendmsg(raw, Buffer.alloc(0), 0, 0);
  t.equal(await socket.receive(), null, "without one it looks like the end");
  // Slot 8 is the first descriptor.
  const { control, ControlSlot } = await import("cmsg-native");
  control[ControlSlot.firstFd] = 0;
  native.sendmsg(raw, Buffer.alloc(0), 0, 1);
  using message = await socket.receive();
  t.equal(message?.fds.length, 1);
  t.equal(message?.data.length, 0);
  native.close(raw);
  socket.close();
});

t.test("datagrams: bind, sendTo, the sender's address, an answer", async (t) => {
  const before = openFds();
  const dir = tempDir(t);
  const server = await UnixSocket.bind(`${dir}/server`, { mode: 0o600 });
  t.equal(lstatSync(`${dir}/server`).mode & 0o777, 0o600);
  t.equal(server.address, `${dir}/server`);
  for (const address of [`${dir}/client`, { abstract: `cmsg-client-${process.pid}` }, undefined]) {
    const client = await UnixSocket.bind(address);
    if (address) t.strictSame(client.address, address);
    else t.match(client.address, { abstract: /^[0-9a-f]{5}$/ }, "the kernel chose one");
    await client.sendTo(Buffer.from("question"), `${dir}/server`, [0]);
    using question = await server.receive();
    t.equal(question?.fds.length, 1);
    t.strictSame(question?.from, client.address);
    await server.sendTo(Buffer.from("answer"), question?.from ?? "");
    t.equal(text(await client.receive()), "answer");
    client.close();
  }
  const nameless = await UnixSocket.connect(`${dir}/server`, { type: "datagram" });
  await nameless.send(Buffer.alloc(0));
  const empty = await server.receive();
  t.equal(empty?.data.length, 0, "an empty datagram is a message");
  t.equal(empty?.from, undefined);
  nameless.close();
  server.close();
  t.notOk(existsSync(`${dir}/server`));
  await assertNoLeak(t, before);
});

t.test("sendTo waits for room in the other queue without spinning, in order, and dups its descriptors", async (t) => {
  const before = openFds();
  const server = await UnixSocket.bind(`${tempDir(t)}/server`);
  const client = await UnixSocket.bind();
  const records = Array.from({ length: 100 }, (_, index) => `${index}`);
  const sends = records.map((record) => {
    using fd = new OwnedFd(native.dup(0));
    return client.sendTo(Buffer.from(record), server.address ?? "", [fd]);
  });
  const controller = new AbortController();
  const given = client.sendTo(Buffer.from("never"), server.address ?? "", [0], { signal: controller.signal });
  const used = process.cpuUsage();
  await turns(20);
  controller.abort();
  await t.rejects(given, { name: "AbortError" });
  t.ok(process.cpuUsage(used).user < 1_000_000);
  const received: (string | undefined)[] = [];
  for (const _ of records) {
    using message = await server.receive();
    t.equal(message?.fds.length, 1);
    received.push(text(message));
  }
  await Promise.all(sends);
  t.strictSame(received, records);
  client.close();
  server.close();
  await assertNoLeak(t, before);
});

t.test("sendTo [our own buffer is full, and the other queue is not] waits for our own", async (t) => {
  const before = openFds();
  const server = await UnixSocket.bind();
  const client = await UnixSocket.bind();
  const { sendmsg: send } = native;
  let calls = 0;
  native.sendmsg = (...args) => {
    calls++;
    return send(...args);
  };
  t.teardown(() => {
    native.sendmsg = send;
  });
  // A queue holds ten datagrams or more; the buffer of one who sends 212992 bytes.
  const sends = Array.from({ length: 6 }, () => client.sendTo(Buffer.alloc(100_000), server.address ?? "", [0]));
  await turns(50);
  t.ok(calls < 20, `${calls} calls while nothing could be sent`);
  for (const _ of sends) {
    using message = await server.receive({ length: 200_000 });
    t.equal(message?.data.length, 100_000);
    t.equal(message?.fds.length, 1);
  }
  await Promise.all(sends);
  client.close();
  server.close();
  await assertNoLeak(t, before);
});

t.test("sendTo [nobody there, gone while it waits, closed while it waits] rejects", async (t) => {
  const before = openFds();
  const dir = tempDir(t);
  const client = await UnixSocket.bind();
  await t.rejects(client.sendTo(Buffer.from("x"), `${dir}/none`), { code: "ENOENT", address: `${dir}/none` });
  await t.rejects(client.sendTo(Buffer.from("x"), ""), { code: "ERR_CMSG_INVALID_ARG" });
  const server = await UnixSocket.bind(`${dir}/server`);
  const pending = Array.from({ length: 30 }, () => client.sendTo(Buffer.from("x"), `${dir}/server`, [0]));
  const results = Promise.allSettled(pending);
  server.close();
  t.ok((await results).some((result) => result.status === "rejected"));
  const again = await UnixSocket.bind(`${dir}/again`);
  const waiting = Array.from({ length: 30 }, () => client.sendTo(Buffer.from("x"), `${dir}/again`, [0]));
  client.close();
  const ended = await Promise.allSettled(waiting);
  t.match(ended.at(-1), { status: "rejected", reason: { code: "ERR_CMSG_CLOSED" } });
  again.close();
  await assertNoLeak(t, before);
});

t.test("bind replaces a stale datagram socket's file, and leaves a live one's", async (t) => {
  const path = `${tempDir(t)}/s`;
  const fd = native.socket(2);
  native.bind(fd, Buffer.from(path));
  await t.rejects(UnixSocket.bind(path, { replaceStale: true }), {
    code: "EADDRINUSE",
    message: /has that socket open/,
  });
  native.close(fd);
  const socket = await UnixSocket.bind(path, { replaceStale: true });
  socket.close();
  t.notOk(existsSync(path));
});

t.test("sockets of each type go by descriptor: fromFd, release, a server's too", async (t) => {
  const before = openFds();
  for (const [type, number] of [
    ["stream", 1],
    ["datagram", 2],
    ["seqpacket", 5],
  ] as const) {
    const [one, other] = native.socketpair(number);
    const socket = UnixSocket.fromFd(one);
    t.equal(socket.type, type);
    const waiting = socket.receive();
    const released = socket.release();
    await t.rejects(waiting, { code: "ERR_CMSG_CLOSED" });
    sendmsg(other, Buffer.from("x"));
    t.equal(text(recvmsg(released)), "x");
    native.close(released);
    native.close(other);
  }
  const path = `${tempDir(t)}/s`;
  const first = await UnixServer.listen(path);
  const listening = native.dup((await listenerFd(path)) ?? -1);
  const heir = UnixServer.fromFd(listening);
  t.equal(heir.path, path);
  const client = await UnixSocket.connect(path);
  (await heir.accept()).close();
  heir.close();
  t.ok(existsSync(path), "the file is not the heir's");
  first.close();
  t.throws(() => UnixServer.fromFd(client.fd), { code: "ERR_CMSG_NOT_LISTENING", message: /does not listen/ });
  t.throws(() => UnixServer.fromFd(0), { code: "ERR_CMSG_NOT_LISTENING", message: /no socket/ });
  client.close();
  await assertNoLeak(t, before);
});

/** The descriptor of a listener of this process. */
async function listenerFd(path: string): Promise<number | undefined> {
  for (const fd of openFds().keys()) {
    try {
      if (native.getSocketName(fd)?.toString().startsWith(`${path}\0`)) return fd;
    } catch {
      // No socket.
    }
  }
  return undefined;
}

t.test("a peer in Python receives and sends records with descriptors", { skip: needs("python3") }, async (t) => {
  const path = `${tempDir(t)}/s`;
  const peer = startPeer(t, [
    { listen: { path, type: "seqpacket" } },
    { accept: true },
    { receive: true },
    { send: { payload: "from Python", fds: ["file", "pipe"] } },
  ]);
  await peer.step(0);
  const socket = await UnixSocket.connect(path, { type: "seqpacket" });
  await socket.send(Buffer.from("to Python"), [0, 1, 2]);
  t.match(await peer.step(2), { payload: "to Python", fds: 3 });
  using message = await socket.receive();
  t.equal(text(message), "from Python");
  t.equal(message?.fds.length, 2);
  socket.close();
});
