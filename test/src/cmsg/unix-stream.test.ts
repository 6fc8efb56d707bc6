// UnixStream: a Duplex where a net.Socket goes. Its descriptors: unix-stream-fds.test.ts, write-with-fds.test.ts.
import { once } from "node:events";
import { closeSync } from "node:fs";
import { createServer, connect as netConnect, type Socket } from "node:net";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { finished, pipeline } from "node:stream/promises";
import { setImmediate as turn } from "node:timers/promises";
import { OwnedFd, UnixServer, UnixSocket, UnixStream } from "cmsg";
import { native } from "cmsg-native";
import t from "tap";
import { nodeProgram } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { run } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";
import { turns } from "../support/turns.js";
import { streamPair } from "../support/unix-streams.js";

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
  t.throws(() => client.fd, { code: "ERR_CMSG_CLOSED", message: /not connected yet/ });
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
  const [one, other] = streamPair(t);
  one.resume();
  other.end();
  await finished(one);
  t.ok(one.writableFinished);
});

t.test("it talks to Node's net, in both roles", async (t) => {
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
  await assertNoLeak(t, before);
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

t.test("a peer that closes with bytes unread: ECONNRESET; writing to one that is gone: EPIPE", async (t) => {
  const [one, other] = streamPair(t);
  await once(one, "connect");
  one.write("unread");
  other.destroy();
  const [error] = await once(one, "error");
  t.match(error, { code: /^(ECONNRESET|EPIPE)$/ });
  const [left, right] = native.socketpair(1);
  const stream = UnixStream.connect({ fd: left, allowHalfOpen: true });
  await once(stream, "connect");
  // At once: a socket that another process could have a hand in is closed on a thread.
  native.disown(right);
  closeSync(right);
  stream.writeWithFds(Buffer.from("x"), [0]);
  t.match((await once(stream, "error"))[0], { code: "EPIPE", syscall: "sendmsg" });
});

t.test("setTimeout tells of silence, and bytes put it off", async (t) => {
  const [one, other] = streamPair(t);
  one.setTimeout(30);
  t.equal(one.timeout, 30);
  await once(one, "timeout");
  one.setTimeout(0, () => t.fail("never"));
  other.setTimeout(5, () => other.destroy());
  await once(other, "close");
});

t.test("ref and unref decide whether a waiting stream keeps the process", async (t) => {
  t.match(await run(t, ...nodeProgram("cmsg/unref-stream")), { status: 0, stdout: "ended\n" });
  const [stream] = streamPair(t);
  stream.unref();
  stream.ref();
});

t.test("back-pressure: a reader that does not read stops the writer, and nothing is lost", async (t) => {
  const [one, other] = streamPair(t);
  const chunk = Buffer.alloc(100_000, "x");
  for (let i = 0; i < 50; i++) one.write(chunk);
  await turns(20);
  t.ok(one.writableNeedDrain);
  t.ok(other.readableLength <= 200_000, "the rest is in the kernel or with the writer");
  const all = buffer(other);
  await once(one, "drain");
  one.end();
  t.equal((await all).length, 50 * chunk.length);
  const [source, sink] = streamPair(t);
  const received = buffer(sink);
  await pipeline(Readable.from(Array.from({ length: 50 }, () => chunk)), source);
  t.equal((await received).length, 5_000_000);
});
