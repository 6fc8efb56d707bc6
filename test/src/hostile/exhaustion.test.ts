// Descriptors run out, connections say nothing by the hundred: no console is lost that the backlog could hold.
import { closeSync, openSync, writeSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { UnixSocket } from "cmsg";
import { type ConsoleDelivery, native } from "cmsg-native";
import { listen, receiveConsole } from "console-socket";
import t, { type Test } from "tap";
import { openHostPty } from "../support/host-pty.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { delivery, type PeerStep, startPeer } from "../support/peer.js";
import { needs } from "../support/requirements.js";
import { Transcript } from "../support/transcript.js";
import { turns } from "../support/turns.js";
import { until } from "../support/until.js";

/** Opens files until there is no descriptor left; returns what gives them back. */
function exhaust(t: Test): () => void {
  const taken: number[] = [];
  const giveBack = (): void => {
    for (const fd of taken.splice(0)) closeSync(fd);
  };
  t.teardown(giveBack);
  try {
    for (;;) taken.push(openSync("/dev/null", "r"));
  } catch (error) {
    t.match(error, { code: "EMFILE" });
  }
  return giveBack;
}

/** How often the event loop turns meanwhile: each wakeup is a turn. A busy machine has fewer, never more. */
async function turnsIn(meanwhile: () => Promise<unknown>): Promise<number> {
  const { loopCount } = performance.nodeTiming.uvMetricsInfo;
  await meanwhile();
  return performance.nodeTiming.uvMetricsInfo.loopCount - loopCount;
}

/** How often receivers that are made from here to the test's end find no descriptor, by the system call. */
function failuresOfReceivers(t: Test): (syscall: "accept" | "recvmsg") => number {
  const { ConsoleReceiver } = native;
  const failures = new Map<string | undefined, number>();
  const count = (error: Error | undefined): void => {
    const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
    if (code === "EMFILE") failures.set(syscall, (failures.get(syscall) ?? 0) + 1);
  };
  class CountingReceiver extends ConsoleReceiver {
    constructor(...[onEvent, ...rest]: ConstructorParameters<typeof ConsoleReceiver>) {
      super(
        (event) => {
          count(event.delivery?.error ?? event.error);
          onEvent(event);
        },
        ...rest,
      );
    }

    override receive(connection: number): ConsoleDelivery | undefined {
      const delivery = super.receive(connection);
      count(delivery?.error);
      return delivery;
    }
  }
  Object.assign(native, { ConsoleReceiver: CountingReceiver });
  t.teardown(() => Object.assign(native, { ConsoleReceiver }));
  return (syscall) => failures.get(syscall) ?? 0;
}

t.test(
  "EMFILE on accept and on recvmsg: the consoles wait, ten in the backlog, one in its connection, and nothing spins",
  { skip: needs("python3") },
  async (t) => {
    const before = openFds();
    const failures = failuresOfReceivers(t);
    const listener = await listen();
    const refusals: unknown[] = [];
    listener.on("refused", (refusal) => refusals.push(refusal));
    // They stay to the end: with a peer goes what it holds of this process's descriptors, its standard streams.
    const peer = startPeer(t, [{ connect: listener.path }, { hold: true }, ...delivery("arrived"), { hold: true }]);
    const ten = Array.from({ length: 10 }, (_, n): PeerStep[] => [
      { connect: listener.path },
      { send: { payload: "/dev/ptmx", fds: ["master"] } },
      { write: `${n}` },
      { close: true },
    ]).flat();
    const late = startPeer(t, [{ hold: true }, ...ten, { hangup: true }, { hold: true }]);
    await peer.step(0);
    const giveBack = exhaust(t);
    late.goOn();
    await late.step(ten.length + 1);
    peer.goOn();
    await peer.step(4);
    await until(() => failures("accept") > 0 && failures("recvmsg") > 0, { what: "both to find no descriptor" });
    const idle = await turnsIn(() => delay(500));
    t.ok(idle < 100, `the event loop turned ${idle} times meanwhile: for the timers of the attempts`);
    t.ok((await turnsIn(() => turns(500))) >= 500, "where a spin turns it each time");
    giveBack();
    const shown: string[] = [];
    for (let n = 0; n < 11; n++) shown.push(await new Transcript(await listener.accept()).ended);
    t.strictSame(shown.sort(), [..."0123456789", "arrived"]);
    for (const end of [peer, late]) end.goOn();
    await Promise.all([peer.done(), late.done()]);
    t.strictSame(refusals, []);
    listener.close();
    await assertNoLeak(t, before);
  },
);
t.test("1000 connections that say nothing", { skip: needs("python3") }, async (t) => {
  const before = openFds();
  const listener = await listen(undefined, { silentPeerTimeoutMs: 300 });
  let timeouts = 0;
  listener.on("refused", ({ error }) => {
    if ((error as Error & { code: string }).code === "ERR_CONSOLE_TIMEOUT") timeouts++;
  });
  const silent = await Promise.all(Array.from({ length: 1000 }, () => UnixSocket.connect(listener.path)));
  const peer = startPeer(t, [{ connect: listener.path }, ...delivery("arrived")]);
  t.equal(await new Transcript(await listener.accept()).ended, "arrived", "an honest one is served among them");
  await peer.done();
  for (const socket of silent) t.equal(await socket.receive(), null, "it is turned away");
  t.equal(timeouts, 1000);
  for (const socket of silent) socket.close();
  listener.close();
  await assertNoLeak(t, before);
});

t.test("maxPending: the next peer waits in the backlog", { skip: needs("python3") }, async (t) => {
  const listener = await listen(undefined, { maxPending: 2, silentPeerTimeoutMs: Number.POSITIVE_INFINITY });
  const silent = [await UnixSocket.connect(listener.path), await UnixSocket.connect(listener.path)];
  startPeer(t, [{ connect: listener.path }, ...delivery("arrived")]);
  const console = listener.accept();
  silent[0]?.close();
  t.equal(await new Transcript(await console).ended, "arrived");
  silent[1]?.close();
  listener.close();
  await t.rejects(listen(undefined, { maxPending: 0 }), { code: "ERR_CONSOLE_INVALID_ARG" });
});

/** A console that waits in a connection for a descriptor of this process; the attempts to receive it are counted. */
async function consoleWithoutDescriptor(t: Test) {
  const [ours, theirs] = UnixSocket.pair();
  const { ptmx, peer } = openHostPty();
  await theirs.send(Buffer.from("/dev/ptmx"), [ptmx]);
  ptmx.close();
  const failuresBySyscall = failuresOfReceivers(t);
  return { ours, theirs, peer, giveBack: exhaust(t), failures: () => failuresBySyscall("recvmsg") };
}

t.test("receiveConsole [no descriptor for longer than a peer may be silent] waits for one", async (t) => {
  const before = openFds();
  const { ours, theirs, peer, giveBack, failures } = await consoleWithoutDescriptor(t);
  const received = receiveConsole(ours, { silentPeerTimeoutMs: 1 });
  await until(() => failures() > 1, { what: "a second attempt" });
  giveBack();
  const console = await received;
  writeSync(peer.fd, "late");
  peer.close();
  t.equal(await new Transcript(console).ended, "late");
  theirs.close();
  await assertNoLeak(t, before);
});

t.test("receiveConsole [its signal aborts while there is no descriptor] rejects with the reason", async (t) => {
  const before = openFds();
  const { ours, theirs, peer, giveBack, failures } = await consoleWithoutDescriptor(t);
  const controller = new AbortController();
  const received = receiveConsole(ours, { signal: controller.signal });
  await until(() => failures() > 0, { what: "the first attempt" });
  controller.abort(new Error("no longer"));
  await t.rejects(received, { message: "no longer" });
  t.ok(ours.closed);
  giveBack();
  for (const end of [peer, theirs]) end.close();
  await assertNoLeak(t, before);
});
