// sendmsg and recvmsg: one system call each, everything that arrives owned before it is judged.
import { once } from "node:events";
import { closeSync, openSync, readFileSync, readlinkSync, readSync } from "node:fs";
import { connect, createServer } from "node:net";
import { runInNewContext } from "node:vm";
import { closed, OwnedFd, recvmsg, sendmsg, UnixSocket, UnixStream } from "cmsg";
import { native } from "cmsg-native";
import t, { type Test } from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";

const SOCK_STREAM = 1;

/** Two raw ends, closed with the test. */
function pair(t: Test): [OwnedFd, OwnedFd] {
  const [one, other] = native.socketpair(SOCK_STREAM).map((fd) => new OwnedFd(fd)) as [OwnedFd, OwnedFd];
  t.teardown(() => {
    one.close();
    other.close();
  });
  return [one, other];
}

function pipeWith(text: string): OwnedFd {
  // The read end of a pipe that holds the text: a stream pair does for it.
  const [read, write] = native.socketpair(SOCK_STREAM);
  sendmsg(write, Buffer.from(text));
  native.close(write);
  return new OwnedFd(read);
}

t.test("bytes and descriptors arrive together, the descriptors close-on-exec", async (t) => {
  const before = openFds();
  {
    using left = new OwnedFd(native.dup(0));
    const [one, other] = native.socketpair(SOCK_STREAM);
    using content = pipeWith("through the descriptor");
    t.equal(sendmsg(one, Buffer.from("data"), { rights: [content, left.fd] }), 4);
    using message = recvmsg(other);
    t.equal(message?.data.toString(), "data");
    t.equal(message?.fds.length, 2);
    const [received] = message?.fds ?? [];
    const bytes = Buffer.alloc(100);
    const count = readSync(received?.fd ?? -1, bytes, 0, 100, null);
    t.equal(bytes.toString("utf8", 0, count), "through the descriptor");
    const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${received?.fd}`, "utf8"))?.[1] ?? "";
    t.ok(Number.parseInt(flags, 8) & 0o2000000, "O_CLOEXEC");
    native.close(one);
    native.close(other);
  }
  await assertNoLeak(t, before);
});

t.test("recvmsg [nothing waits] gives undefined, [peer closed] a message without bytes", async (t) => {
  const [one, other] = pair(t);
  t.equal(recvmsg(other), undefined);
  one.close();
  await closed();
  t.equal(recvmsg(other)?.data.length, 0);
});

t.test("sendmsg [no room] gives undefined and sends nothing", async (t) => {
  const [one, other] = pair(t);
  const chunk = Buffer.alloc(65536);
  let sent = 0;
  for (let count = sendmsg(one, chunk); count !== undefined; count = sendmsg(one, chunk)) sent += count;
  let received = 0;
  for (let message = recvmsg(other); message; message = recvmsg(other)) received += message.data.length;
  t.ok(sent > 0);
  t.equal(received, sent);
});

t.test("253 descriptors fit in one message, 254 are refused before anything is sent", async (t) => {
  const before = openFds();
  const [one, other] = native.socketpair(SOCK_STREAM);
  const data = Buffer.from("x");
  t.equal(sendmsg(one, data, { rights: Array(253).fill(0) }), 1);
  const message = recvmsg(other);
  t.equal(message?.fds.length, 253);
  t.equal(new Set(message?.fds.map((fd) => fd.fd)).size, 253);
  message?.[Symbol.dispose]();
  t.throws(() => sendmsg(one, data, { rights: Array(254).fill(0) }), { code: "ERR_CMSG_FD_COUNT" });
  t.equal(recvmsg(other), undefined);
  native.close(one);
  native.close(other);
  await assertNoLeak(t, before);
});

t.test("recvmsg [more than maxFds] closes all and throws ERR_CMSG_FD_COUNT", async (t) => {
  const [one, other] = pair(t);
  const before = openFds();
  sendmsg(one, Buffer.from("x"), { rights: [0, 0, 0] });
  t.throws(() => recvmsg(other, { maxFds: 2 }), { code: "ERR_CMSG_FD_COUNT" });
  await assertNoLeak(t, before);
});

t.test("disposal closes what is left, and nothing that has a number between", async (t) => {
  const [one, other] = pair(t);
  const file = `${t.testdir({ file: "" })}/file`;
  const before = openFds();
  const [nul, regular] = [openSync("/dev/null", "r"), openSync(file, "r")];
  const kinds = [nul, nul, nul, nul, regular, nul, nul, regular, nul];
  sendmsg(one, Buffer.from("x"), { rights: kinds });
  const message = recvmsg(other);
  const numbers = message?.fds.map(({ fd }) => fd) ?? [];
  t.equal(numbers.length, kinds.length);
  // Two gaps in the run of numbers: one descriptor is taken out, and the number of one that was closed goes to a file.
  const [taken] = message?.fds.splice(1, 1) ?? [];
  message?.fds[1]?.close();
  await closed();
  const own = openSync("/dev/zero", "r");
  t.equal(own, numbers[2], "the kernel gives the lowest free number");
  message?.[Symbol.dispose]();
  t.strictSame(message?.fds, []);
  t.equal(readlinkSync(`/proc/self/fd/${taken?.fd}`), "/dev/null");
  t.equal(readlinkSync(`/proc/self/fd/${own}`), "/dev/zero");
  taken?.close();
  for (const fd of [own, nul, regular]) closeSync(fd);
  await assertNoLeak(t, before);
});

t.test("plain bytes are glued in front of a message with descriptors, never behind", async (t) => {
  const [one, other] = pair(t);
  sendmsg(one, Buffer.from("before,"));
  sendmsg(one, Buffer.from("with"), { rights: [0] });
  sendmsg(one, Buffer.from("after"));
  using first = recvmsg(other);
  t.match(first, { data: Buffer.from("before,with"), fds: { length: 1 } });
  using second = recvmsg(other);
  t.match(second, { data: Buffer.from("after"), fds: { length: 0 } });
});

t.test("[what is no Uint8Array] is refused, and nothing is sent", async (t) => {
  const [one, other] = pair(t);
  const [socket, peer] = UnixSocket.pair();
  const [datagrams] = UnixSocket.pair("datagram");
  const stream = UnixStream.connect({ fd: native.dup(one.fd) });
  const refused = { code: "ERR_CMSG_INVALID_ARG", message: /^Bytes are a Uint8Array/ };
  for (const data of ["abc", "x".repeat(65), new Uint16Array(3), new DataView(new ArrayBuffer(3)), [1, 2], undefined]) {
    const bytes = data as unknown as Uint8Array;
    t.throws(() => sendmsg(one, bytes), refused);
    t.throws(() => sendmsg(one, bytes, { rights: [0] }), refused);
    t.throws(() => stream.writeWithFds(bytes, [0]), refused);
    await t.rejects(socket.send(bytes), refused);
    await t.rejects(datagrams.send(bytes), refused);
    await t.rejects(datagrams.sendTo(bytes, { abstract: "nobody" }), refused);
  }
  t.equal(recvmsg(other), undefined);
  t.ok(sendmsg(one, runInNewContext("new Uint8Array([7])")), "another realm's is one");
  t.strictSame(recvmsg(other)?.data, Buffer.from([7]));
  socket.close();
  t.equal(await peer.receive(), null);
  for (const open of [peer, datagrams]) open.close();
  stream.destroy();
});

t.test("disposal [an array with something else in it] closes the rest, and throws", async (t) => {
  const [one, other] = pair(t);
  const before = openFds();
  sendmsg(one, Buffer.from("x"), { rights: [0, 0, 0] });
  const message = recvmsg(other);
  message?.fds.splice(1, 0, undefined as unknown as OwnedFd);
  t.throws(() => message?.[Symbol.dispose](), TypeError);
  t.strictSame(message?.fds, []);
  await assertNoLeak(t, before);
});

t.test("sendmsg [descriptors without a byte] throws ERR_CMSG_NO_DATA", async (t) => {
  const [one] = pair(t);
  t.throws(() => sendmsg(one, Buffer.alloc(0), { rights: [0] }), { code: "ERR_CMSG_NO_DATA" });
});

t.test("sendmsg [one descriptor not open] throws EBADF and sends nothing", async (t) => {
  const [one, other] = pair(t);
  t.throws(() => sendmsg(one, Buffer.from("x"), { rights: [0, 987_654] }), { code: "EBADF", syscall: "sendmsg" });
  t.equal(recvmsg(other), undefined);
});

t.test("sendmsg [peer closed] throws EPIPE, without a signal", async (t) => {
  const [one, other] = pair(t);
  other.close();
  await closed();
  t.throws(() => sendmsg(one, Buffer.from("x")), { code: "EPIPE", errno: -32, syscall: "sendmsg" });
});

t.test("sendmsg [a TCP socket] throws ERR_CMSG_NOT_UNIX: it would drop the descriptor", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const client = connect(port, "127.0.0.1");
  await once(client, "connect");
  t.teardown(() => {
    client.destroy();
    server.close();
  });
  const { fd } = (client as unknown as { _handle: { fd: number } })._handle;
  t.throws(() => sendmsg(fd, Buffer.from("x"), { rights: [0] }), { code: "ERR_CMSG_NOT_UNIX" });
  t.throws(() => UnixSocket.fromFd(fd), { code: "ERR_CMSG_NOT_UNIX" });
});

t.test(
  "recvmsg [length out of range] throws ERR_CMSG_INVALID_ARG: into 0 bytes it would lose descriptors",
  async (t) => {
    const [, other] = pair(t);
    for (const length of [0, -1, 1.5, Number.NaN]) {
      t.throws(() => recvmsg(other, { length }), { code: "ERR_CMSG_INVALID_ARG" });
    }
  },
);

t.test("recvmsg [length] splits the bytes; the descriptors come with the first", async (t) => {
  const [one, other] = pair(t);
  sendmsg(one, Buffer.from("abcdef"), { rights: [0] });
  using first = recvmsg(other, { length: 2 });
  t.match(first, { data: Buffer.from("ab"), fds: { length: 1 } });
  t.match(recvmsg(other, { length: 100_000 }), { data: Buffer.from("cdef"), fds: { length: 0 } });
});
