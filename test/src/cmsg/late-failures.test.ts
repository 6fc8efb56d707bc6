// What fails after it has begun: nothing stays queued, and a descriptor given by number is the caller's again.

import { once } from "node:events";
import { fstatSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { OwnedFd, UnixServer, UnixSocket, UnixStream } from "cmsg";
import { native } from "cmsg-native";
import t, { type Test } from "tap";
import { programFile } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";

/** Makes epoll_ctl(2) of every watcher fail while told so, as at the user's limit of watches. */
function failingWatchers(t: Test): { failing: boolean } {
  const state = { failing: false };
  const { Watcher } = native;
  native.Watcher = class extends Watcher {
    override watch(readable: boolean, writable: boolean): void {
      if (state.failing) throw Object.assign(new Error("ENOSPC: epoll_ctl"), { code: "ENOSPC", syscall: "epoll_ctl" });
      super.watch(readable, writable);
    }
  };
  t.teardown(() => {
    native.Watcher = Watcher;
  });
  return state;
}

t.test("receive [readiness cannot be waited for] rejects, and the next one gets the message", async (t) => {
  const before = openFds();
  const state = failingWatchers(t);
  const [one, other] = UnixSocket.pair();
  state.failing = true;
  await t.rejects(other.receive(), { code: "ENOSPC" });
  state.failing = false;
  const waiting = other.receive();
  await one.send(Buffer.from("x"));
  t.equal((await waiting)?.data.toString(), "x");
  one.close();
  other.close();
  await assertNoLeak(t, before);
});

t.test("sendTo [room in the other queue cannot be waited for] rejects, and later ones wait", async (t) => {
  const before = openFds();
  const state = failingWatchers(t);
  const server = await UnixSocket.bind();
  const client = await UnixSocket.bind();
  const address = server.address ?? "";
  state.failing = true;
  let sent = 0;
  const fill = async () => {
    for (; sent < 10_000; sent++) await client.sendTo(Buffer.from("x"), address, [0]);
  };
  await t.rejects(fill(), { code: "ENOSPC" });
  state.failing = false;
  const waiting = client.sendTo(Buffer.from("y"), address, [0]);
  for (let i = 0; i <= sent; i++) {
    using message = await server.receive();
    t.equal(message?.fds.length, 1);
  }
  await waiting;
  client.close();
  server.close();
  await assertNoLeak(t, before);
});

t.test("UnixStream [readiness cannot be had at all] is an error, and the descriptor is closed", async (t) => {
  const before = openFds();
  const { Watcher } = native;
  const [one, other] = native.socketpair(1);
  native.Watcher = class {
    constructor() {
      throw new Error("no watcher");
    }
  } as never;
  t.teardown(() => {
    native.Watcher = Watcher;
  });
  t.match(await once(UnixStream.connect({ fd: one }), "error"), [{ message: "no watcher" }]);
  native.close(other);
  await assertNoLeak(t, before);
});

t.test("a number that was not taken in the end stays the caller's", async (t) => {
  const before = openFds();
  const listening = native.socket(1);
  native.bind(listening, Buffer.alloc(0));
  native.listen(listening, 1);
  const [one, other] = native.socketpair(1);
  await once(new Worker(programFile("cmsg/takes-that-fail"), { workerData: [one, listening] }), "exit");
  t.ok(fstatSync(one).isSocket() && fstatSync(listening).isSocket(), "the Worker's end closed neither");
  for (const fd of [one, other, listening]) native.close(fd);
  await assertNoLeak(t, before);
});

t.test(
  "a number that a UnixStream was given is owned at once: a Worker's end in the same turn closes it",
  async (t) => {
    const before = openFds();
    const [one, other] = native.socketpair(1);
    native.disown(one);
    await once(new Worker(programFile("cmsg/stream-and-exit"), { workerData: one }), "exit");
    const peer = UnixSocket.fromFd(other);
    t.equal(await peer.receive(), null);
    peer.close();
    await turn();
    await assertNoLeak(t, before);
  },
);

t.test("what is no descriptor is ERR_CMSG_INVALID_ARG everywhere", (t) => {
  for (const wrong of [undefined, null, "1", 1.5, -1, {}] as never[]) {
    t.throws(() => UnixSocket.fromFd(wrong), { code: "ERR_CMSG_INVALID_ARG" });
    t.throws(() => UnixServer.fromFd(wrong), { code: "ERR_CMSG_INVALID_ARG" });
    t.throws(() => new OwnedFd(wrong), { code: "ERR_CMSG_INVALID_ARG" });
  }
  t.end();
});

/** Makes accept(2) fail once with each of `codes`, in their order. */
function failingAccepts(t: Test, codes: string[]): void {
  const { accept } = native;
  native.accept = (fd) => {
    const code = codes.shift();
    if (code !== undefined) throw Object.assign(new Error(`accept ${code}`), { code, syscall: "accept" });
    return accept(fd);
  };
  t.teardown(() => {
    native.accept = accept;
  });
}

t.test("a loop over a server outlives a lack of resources, which accept() tells", async (t) => {
  const before = openFds();
  const address = { abstract: `cmsg-test-${process.pid}-lack` };
  const server = await UnixServer.listen(address);
  const codes = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"];
  failingAccepts(t, codes);
  await t.rejects(server.accept(), { code: "EMFILE" });
  const client = await UnixSocket.connect(address);
  for await (const connection of server) {
    connection.close();
    break;
  }
  t.strictSame(codes, [], "it met each of them");
  codes.push("EPERM");
  await t.rejects(server[Symbol.asyncIterator]().next(), { code: "EPERM" }, "another error ends it");
  client.close();
  server.close();
  await assertNoLeak(t, before);
});

t.test("a loop that waits for resources ends with its server", async (t) => {
  const before = openFds();
  const server = await UnixServer.listen({ abstract: `cmsg-test-${process.pid}-wait` });
  failingAccepts(t, ["EMFILE"]);
  const next = server[Symbol.asyncIterator]().next();
  await turn();
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const waiting = timers();
  server.close();
  t.match(await next, { done: true });
  t.equal(timers(), waiting - 1, "its timer is gone");
  await assertNoLeak(t, before);
});
