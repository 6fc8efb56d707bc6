// Which descriptors are closed at once, and which on a thread; closing() and closed().
import { closeSync, fstatSync, openSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { closed, closing, OwnedFd, UnixServer, UnixSocket, UnixStream } from "cmsg";
import { native } from "cmsg-native";
import { openPty } from "console-init";
import { PtyConsole } from "console-socket";
import t from "tap";
import { nodeProgram } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { run } from "../support/processes.js";

const isOpen = (fd: number): boolean => {
  try {
    return fstatSync(fd) !== undefined;
  } catch {
    return false;
  }
};

/** A message with so many descriptors. */
async function received(count: number) {
  const [one, other] = UnixSocket.pair();
  await one.send(Buffer.from("x"), Array<number>(count).fill(0));
  const message = await other.receive();
  if (!message) throw new Error("a message was sent");
  one.close();
  other.close();
  return message;
}

t.test("closed() settles when what was handed over is closed; then there is nothing", async (t) => {
  const before = openFds();
  t.equal(await closed(), undefined, "nothing was handed over");
  const message = await received(253);
  const numbers = message.fds.map(({ fd }) => fd);
  message[Symbol.dispose]();
  const all = Promise.all([closed(), closed()]);
  await all;
  t.strictSame(numbers.filter(isOpen), []);
  t.strictSame(closing(), { count: 0, oldestMs: 0 });
  await assertNoLeak(t, before);
});

t.test("closed() does not wait for what is handed over later", async (t) => {
  const first = await received(1);
  first[Symbol.dispose]();
  let over = false;
  const flood = (async () => {
    for (; !over; await turn()) (await received(1))[Symbol.dispose]();
  })();
  await closed();
  over = true;
  await flood;
  t.pass("it settled during a flood");
});

t.test("closed() keeps the process alive, and nothing else of it does", async (t) => {
  const [command, args] = nodeProgram("cmsg/close-and-end");
  const { stdout, status } = await run(t, command, args);
  t.equal(stdout, "closed\n");
  t.equal(status, 0);
});

t.test("an OwnedFd of the caller's own closes at once, and throws", async (t) => {
  const own = new OwnedFd(openSync("/dev/null", "r"));
  const number = own.fd;
  t.notOk(native.isUntrusted(number));
  own.close();
  t.notOk(isOpen(number));
  const gone = new OwnedFd(openSync("/dev/null", "r"));
  closeSync(gone.fd);
  t.throws(() => gone.close(), { code: "EBADF", syscall: "close" });
});

t.test("an untrusted one is closed later, and nothing is thrown", async (t) => {
  const before = openFds();
  const untrusted = new OwnedFd(openSync("/dev/null", "r"), { untrusted: true });
  const copy = untrusted.dup();
  for (const owner of [untrusted, copy]) t.ok(native.isUntrusted(owner.fd));
  closeSync(untrusted.fd);
  untrusted.close();
  copy.close();
  await closed();
  await assertNoLeak(t, before);
});

t.test("what another process had a hand in is untrusted", async (t) => {
  const before = openFds();
  const server = await UnixServer.listen({ abstract: `closing-api-${process.pid}` });
  const client = await UnixSocket.connect({ abstract: `closing-api-${process.pid}` });
  const accepted = await server.accept();
  const bound = await UnixSocket.bind();
  const [one, other] = UnixSocket.pair();
  const adopted = UnixSocket.fromFd(new OwnedFd(one.release()));
  const stream = UnixStream.connect({ fd: new OwnedFd(other.release()) });
  await new Promise((resolve) => stream.once("connect", resolve));
  const message = await received(1);
  const { ptmx, peer } = openPty();
  const numbers = { server, client, accepted, bound, adopted, stream, received: message.fds[0], ptmx, peer };
  for (const [what, owner] of Object.entries(numbers)) t.ok(native.isUntrusted(owner?.fd as number), what);
  const console = PtyConsole.fromFd(new OwnedFd(ptmx.release()));
  const released = console.release();
  t.ok(native.isUntrusted(released.fd), "a console's master");
  for (const each of [server, client, accepted, bound, adopted, released, peer]) each.close();
  message[Symbol.dispose]();
  stream.destroy();
  await closed();
  await assertNoLeak(t, before);
});

t.test("at the limit of open files, what is being closed is waited for", async (t) => {
  const [command, args] = nodeProgram("cmsg/make-while-closing");
  const { stdout, stderr } = await run(t, "sh", ["-c", 'ulimit -n 60 && exec "$@"', "sh", command, ...args]);
  t.equal(stderr, "");
  t.strictSame(JSON.parse(stdout), {
    pair: "made",
    dup: "made",
    replace: "resolved",
    accept: "resolved",
    connect: "resolved",
    full: "EMFILE",
  });
});
