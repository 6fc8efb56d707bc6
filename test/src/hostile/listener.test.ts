// Whatever a peer sends instead of a console is refused with a stable code and a sentence, every descriptor of it is
// closed, and the listener goes on: an honest console arrives after each.
import { UnixServer, UnixSocket } from "cmsg";
import { type ConsoleListener, listen, type Refusal } from "console-socket";
import t, { type Test } from "tap";
import { consoleOf } from "../support/consoles.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { delivery, type PeerStep, startPeer } from "../support/peer.js";
import { needs } from "../support/requirements.js";
import { SilentFuse } from "../support/silent-fuse.js";
import { Transcript } from "../support/transcript.js";
import { until } from "../support/until.js";

// A listener opens it with the first connection whose message is late, and keeps it.
const TIMER = /timerfd/;

const refusal = (listener: ConsoleListener) =>
  new Promise<Refusal>((resolve) => {
    listener.once("refused", resolve);
  });

async function stillServes(t: Test, listener: ConsoleListener): Promise<void> {
  const peer = startPeer(t, [{ connect: listener.path }, ...delivery("honest")]);
  t.equal(await new Transcript(await listener.accept()).ended, "honest", "an honest console arrives after it");
  await peer.done();
}

type Send = Extract<PeerStep, { send: unknown }>["send"];

const cases: { what: string; send?: Send; code: string; says: RegExp }[] = [
  { what: "closes at once", code: "ERR_CONSOLE_NONE", says: /closed the connection without/ },
  { what: "sends no descriptor", send: { payload: "x" }, code: "ERR_CMSG_NO_FD", says: /one descriptor/ },
  { what: "sends two masters", send: { fds: ["master", "master"] }, code: "ERR_CMSG_FD_COUNT", says: /2 came/ },
  {
    what: "sends 253 descriptors",
    send: { fds: [{ kind: "null", times: 253 }] },
    code: "ERR_CMSG_FD_COUNT",
    says: /253 came/,
  },
  {
    what: "sends a name of 4096 bytes",
    send: { payload: { repeat: "n", times: 4096 }, fds: ["master"] },
    code: "ERR_CMSG_NAME_TOO_LONG",
    says: /fewer than 4096/,
  },
  { what: "sends a file", send: { fds: ["file"] }, code: "ERR_CONSOLE_NOT_A_PTY", says: /a regular file/ },
  { what: "sends a directory", send: { fds: ["directory"] }, code: "ERR_CONSOLE_NOT_A_PTY", says: /a directory/ },
  { what: "sends a FIFO", send: { fds: ["fifo"] }, code: "ERR_CONSOLE_NOT_A_PTY", says: /a FIFO or pipe/ },
  { what: "sends a pipe", send: { fds: ["pipe"] }, code: "ERR_CONSOLE_NOT_A_PTY", says: /a FIFO or pipe/ },
  { what: "sends a socket", send: { fds: ["socket"] }, code: "ERR_CONSOLE_NOT_A_PTY", says: /a socket/ },
  { what: "sends a slave", send: { fds: ["slave"] }, code: "ERR_CONSOLE_NOT_A_PTY", says: /character device 136:\d+/ },
  { what: "sends /dev/null", send: { fds: ["null"] }, code: "ERR_CONSOLE_NOT_A_PTY", says: /character device 1:3/ },
  { what: "sends an O_PATH handle", send: { fds: ["opath"] }, code: "ERR_CONSOLE_NOT_A_PTY", says: /regular file/ },
  {
    what: "sends an O_PATH handle of a ptmx",
    send: { fds: ["opath-ptmx"] },
    code: "ERR_CONSOLE_NOT_A_PTY",
    says: /not open for reading and writing/,
  },
  {
    what: "sends a ptmx opened for reading only",
    send: { fds: [{ open: "/dev/ptmx" }] },
    code: "ERR_CONSOLE_NOT_A_PTY",
    says: /not open for reading and writing/,
  },
];

t.test("refusals", { skip: needs("python3") }, async (t) => {
  // One listener for all of them: each has to leave it as it was.
  const first = openFds();
  const listener = await listen();
  await stillServes(t, listener);
  for (const { what, send, code, says } of cases) {
    t.test(`a peer that ${what} is refused with ${code}`, async (t) => {
      const before = openFds();
      const refused = refusal(listener);
      const peer = startPeer(t, [{ connect: listener.path }, ...(send ? [{ send }] : []), { close: true }]);
      const { error, peer: who } = await refused;
      t.match(error, { code, message: says });
      t.equal(who?.uid, process.getuid?.());
      await peer.done();
      await stillServes(t, listener);
      await assertNoLeak(t, before, { allow: TIMER });
    });
  }
  t.test("all of them at once", async (t) => {
    const before = openFds();
    const seen: string[] = [];
    const all = new Promise<void>((resolve) => {
      listener.on("refused", ({ error }) => {
        seen.push((error as Error & { code: string }).code);
        if (seen.length === cases.length) resolve();
      });
    });
    for (const { send } of cases) {
      startPeer(t, [{ connect: listener.path }, ...(send ? [{ send }] : []), { close: true }]);
    }
    await all;
    t.strictSame(seen.sort(), cases.map(({ code }) => code).sort());
    listener.removeAllListeners("refused");
    await stillServes(t, listener);
    await assertNoLeak(t, before, { allow: TIMER });
  });
  t.test("close leaves nothing of all that", async (t) => {
    listener.close();
    await assertNoLeak(t, first);
  });
});

t.test(
  "a peer that connects and says nothing is refused in time, and holds nobody up",
  { skip: needs("python3") },
  async (t) => {
    const before = openFds();
    const listener = await listen(undefined, { silentPeerTimeoutMs: 400 });
    const peers = Array.from({ length: 5 }, () => startPeer(t, [{ connect: listener.path }, { hold: true }]));
    await Promise.all(peers.map((peer) => peer.step(0)));
    const refused = refusal(listener);
    await stillServes(t, listener);
    t.match((await refused).error, { code: "ERR_CONSOLE_TIMEOUT", message: /nothing for 400 ms/ });
    listener.close();
    for (const peer of peers) peer.goOn();
    await assertNoLeak(t, before);
  },
);

t.test("close [a peer is silent] lets go of it", { skip: needs("python3") }, async (t) => {
  const before = openFds();
  const listener = await listen(undefined, { silentPeerTimeoutMs: Number.POSITIVE_INFINITY });
  const peer = startPeer(t, [{ connect: listener.path }, { receive: true }]);
  await peer.step(0);
  await stillServes(t, listener);
  listener.close();
  t.match(await peer.step(1), { payload: "" }, "the peer sees the end");
  await assertNoLeak(t, before);
});

t.test("a master whose terminal nobody holds is a console that ends", { skip: needs("python3") }, async (t) => {
  const before = openFds();
  const listener = await listen();
  const peer = startPeer(t, [{ connect: listener.path }, { send: { fds: ["dead-master"] } }]);
  await peer.done();
  t.equal(await new Transcript(await listener.accept()).ended, "");
  listener.close();
  await assertNoLeak(t, before);
});

t.test(
  "a master whose terminal nobody ever opened neither ends nor holds anybody up",
  { skip: needs("python3") },
  async (t) => {
    const before = openFds();
    const listener = await listen();
    const peer = startPeer(t, [{ connect: listener.path }, { send: { fds: ["unopened-master"] } }]);
    await peer.done();
    const console = (await listener.accept()).resume();
    await stillServes(t, listener);
    t.notOk(console.readableEnded);
    console.destroy();
    listener.close();
    await assertNoLeak(t, before);
  },
);

t.test("a name full of escape sequences is never shown raw", { skip: needs("python3") }, async (t) => {
  const before = openFds();
  const listener = await listen();
  const payload = "\u001b]0;owned\u0007\u001b[2J\u009b31m\r\n\u0000\u007f";
  const refused = refusal(listener);
  startPeer(t, [{ connect: listener.path }, { send: { payload } }, { close: true }]);
  t.notMatch((await refused).error.message, /\p{C}/u, "nor in a refusal");
  startPeer(t, [{ connect: listener.path }, { send: { payload, fds: ["master"] } }, { close: true }, { hangup: true }]);
  const console = await listener.accept();
  t.match(console.name, /owned/);
  t.notMatch(console.name, /\p{C}/u);
  t.equal(await new Transcript(console).ended, "");
  listener.close();
  await assertNoLeak(t, before);
});

t.test("consoles that flood leave another one its turns", async (t) => {
  const before = openFds();
  let flooded = 0;
  const floods = await Promise.all(Array.from({ length: 4 }, () => consoleOf(t, ["yes"])));
  for (const { console } of floods) {
    console.on("data", (bytes: Buffer) => {
      flooded += bytes.length;
    });
  }
  const { console: typist } = await consoleOf(t, ["sh", "-c", "stty raw -echo; printf ready; exec cat"]);
  const screen = new Transcript(typist);
  await screen.shows(/ready/);
  for (let key = 1; key <= 30; key++) {
    typist.write("k");
    await screen.shows(new RegExp(`readyk{${key}}$`));
  }
  const seen = flooded;
  await until(() => flooded > seen + 65_536, { what: "the floods, which go on" });
  t.equal(screen.text, `ready${"k".repeat(30)}`);
  typist.destroy();
  for (const { console } of floods) console.destroy();
  for (const { program } of floods) t.match(await program.ended, { signal: "SIGHUP" });
  await assertNoLeak(t, before);
});

t.test(
  "a file on a FUSE mount whose daemon is silent blocks nothing",
  { skip: needs("fuse", "python3") },
  async (t) => {
    const before = openFds();
    const fuse = await SilentFuse.mount(t);
    const listener = await listen();
    // A peer opens the file while the daemon still answers; from the silence on, every close of it would wait.
    const holding = await UnixServer.listen({ abstract: `fuse-relay-${process.pid}` });
    const sender = startPeer(t, [{ connect: holding.path }, { send: { fds: [{ open: fuse.path }] } }, { hold: true }]);
    const connection = await holding.accept();
    await sender.step(1);
    await fuse.silence();
    const refused = refusal(listener);
    const relay = await UnixSocket.connect(listener.path);
    {
      // Closed here at once: a program started meanwhile would wait for it in execve, which closes what is close-on-exec.
      using message = await connection.receive();
      await relay.send(Buffer.from("fuse"), message?.fds ?? []);
    }
    t.match((await refused).error, { code: "ERR_CONSOLE_NOT_A_PTY", message: /a regular file/ });
    await stillServes(t, listener);
    relay.close();
    connection.close();
    holding.close();
    listener.close();
    await fuse.abort();
    sender.goOn();
    await sender.done();
    await assertNoLeak(t, before);
  },
);
