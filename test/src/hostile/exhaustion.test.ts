// Descriptors run out, connections say nothing by the hundred: no console is lost that the backlog could hold.
import { closeSync, openSync } from "node:fs";
import { UnixSocket } from "cmsg";
import { listen } from "console-socket";
import t from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { type PeerStep, startPeer } from "../support/peer.js";
import { needs } from "../support/requirements.js";
import { Transcript } from "../support/transcript.js";

const deliver: PeerStep[] = [
  { send: { payload: "/dev/ptmx", fds: ["master"] } },
  { close: true },
  { write: "arrived" },
  { hangup: true },
];

t.test(
  "EMFILE on accept and on recvmsg: the consoles wait, one in the backlog, one in its connection",
  { skip: needs("python3") },
  async (t) => {
    const before = openFds();
    const listener = await listen();
    const refusals: unknown[] = [];
    listener.on("refused", (refusal) => refusals.push(refusal));
    const peer = startPeer(t, [{ connect: listener.path }, { hold: true }, ...deliver]);
    const late = startPeer(t, [{ hold: true }, { connect: listener.path }, ...deliver]);
    await peer.step(0);
    const taken: number[] = [];
    try {
      for (;;) taken.push(openSync("/dev/null", "r"));
    } catch (error) {
      t.match(error, { code: "EMFILE" });
    }
    late.goOn();
    await late.step(2);
    peer.goOn();
    await peer.step(4);
    for (const fd of taken) closeSync(fd);
    t.equal(await new Transcript(await listener.accept()).ended, "arrived");
    t.equal(await new Transcript(await listener.accept()).ended, "arrived");
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
  const peer = startPeer(t, [{ connect: listener.path }, ...deliver]);
  t.equal(await new Transcript(await listener.accept()).ended, "arrived", "an honest one is served among them");
  await peer.done();
  for (const socket of silent) t.equal(await socket.receive(), null) || t.fail("it is turned away");
  t.equal(timeouts, 1000);
  for (const socket of silent) socket.close();
  listener.close();
  await assertNoLeak(t, before);
});

t.test("maxPending: the next peer waits in the backlog", { skip: needs("python3") }, async (t) => {
  const listener = await listen(undefined, { maxPending: 2, silentPeerTimeoutMs: 0 });
  const silent = [await UnixSocket.connect(listener.path), await UnixSocket.connect(listener.path)];
  startPeer(t, [{ connect: listener.path }, ...deliver]);
  const console = listener.accept();
  silent[0]?.close();
  t.equal(await new Transcript(await console).ended, "arrived");
  silent[1]?.close();
  listener.close();
  await t.rejects(listen(undefined, { maxPending: 0 }), { code: "ERR_CONSOLE_INVALID_ARG" });
});
