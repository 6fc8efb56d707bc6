// Descriptors whose close(2) waits for as long as a peer likes, in every place where one is closed. The event loop goes on.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { freemem } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { closed, closing, OwnedFd, UnixServer, UnixSocket } from "cmsg";
import { native } from "cmsg-native";
import { openPty } from "console-init";
import { listen, PtyConsole } from "console-socket";
import t, { type Test } from "tap";
import { cProgram } from "../support/c-program.js";
import { LoopGap } from "../support/loop-gap.js";
import { nodeProgram, programFile } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { fixture } from "../support/paths.js";
import { startPeer } from "../support/peer.js";
import { type Program, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { SilentFuse } from "../support/silent-fuse.js";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";

// A loaded machine holds a process up too, but not for so long as a close does: 20 s.
const GAP_MS = 1000;

let names = 0;
const name = () => `closing-${process.pid}-${names++}`;
const threads = () => readdirSync("/proc/self/task").length;
// Node.js starts some when they are needed first; descriptors must not add one each.
const FEW_THREADS = threads() + 8;

// A close waits only where it is the last one: the peer's own copies are closed when it says "sent".
function hangingPeer(t: Test, address: string, kind: string, count: number, ...rest: string[]): Program {
  return start(t, "python3", [fixture("hanging-peer.py"), address, kind, `${count}`, ...rest]);
}

/** A connection from a peer that sent such descriptors. */
async function connected(t: Test, kind: string, count: number, ...rest: string[]) {
  const abstract = name();
  const server = await UnixServer.listen({ abstract });
  const peer = hangingPeer(t, `@${abstract}`, kind, count, ...rest);
  const connection = await server.accept();
  server.close();
  return { connection, peer };
}

/** Ends the peer, and with it what hangs. */
async function end(t: Test, peer: Program, before: ReturnType<typeof openFds>): Promise<void> {
  peer.kill("SIGKILL");
  await closed();
  t.strictSame(closing(), { count: 0, oldestMs: 0 });
  await assertNoLeak(t, before);
}

for (const kind of ["unread", "queued"]) {
  t.test(`close() of a connection [${kind}]`, { skip: needs("python3") }, async (t) => {
    const before = openFds();
    const { connection, peer } = await connected(t, kind, 1);
    await peer.output(/sent/);
    const message = kind === "queued" ? await connection.receive() : undefined;
    const gap = new LoopGap();
    message?.[Symbol.dispose]();
    connection.close();
    t.ok((await gap.end()) < GAP_MS);
    t.equal(closing().count, 1);
    await end(t, peer, before);
  });

  t.test(`a console listener that refuses [${kind}]`, { skip: needs("python3") }, async (t) => {
    const before = openFds();
    const listener = await listen();
    const gap = new LoopGap();
    const refused = once(listener, "refused");
    const peer = hangingPeer(t, listener.path, kind, 1);
    await refused;
    listener.close();
    t.ok((await gap.end()) < GAP_MS);
    await end(t, peer, before);
  });
}

t.test(
  "root's abstract listener, whose peer of another uid is refused",
  { skip: needs("root", "python3") },
  async (t) => {
    const before = openFds();
    const abstract = name();
    const listener = await listen({ abstract });
    const gap = new LoopGap();
    const refused = once(listener, "refused");
    const stranger = ["--reuid", "65534", "--clear-groups", "--", "/usr/bin/python3", "-c"];
    const script = readFileSync(fixture("hanging-peer.py"), "utf8");
    const peer = start(t, "setpriv", [...stranger, script, `@${abstract}`, "unread", "1"]);
    t.match((await refused)[0], { error: { code: "ERR_CONSOLE_PEER" } });
    listener.close();
    t.ok((await gap.end()) < GAP_MS);
    await end(t, peer, before);
  },
);

t.test(
  "close() of a listener with such a connection in its backlog frees its name",
  { skip: needs("python3") },
  async (t) => {
    const before = openFds();
    const abstract = name();
    const server = await UnixServer.listen({ abstract });
    const peer = hangingPeer(t, `@${abstract}`, "unread", 1);
    await peer.output(/sent/);
    const gap = new LoopGap();
    server.close();
    const again = await UnixServer.listen({ abstract });
    again.close();
    t.ok((await gap.end()) < GAP_MS);
    t.equal(closing().count, 1);
    await end(t, peer, before);
  },
);

/** How often a thread of this process has slept. */
function sleeps(thread: string): number {
  const status = (id: string) => readFileSync(`/proc/self/task/${id}/status`, "utf8");
  const own =
    readdirSync("/proc/self/task")
      .map(status)
      .find((text) => text.startsWith(`Name:\t${thread}\n`)) ?? "";
  return Number(/^voluntary_ctxt_switches:\t(\d+)$/m.exec(own)?.[1]);
}

t.test("a close that hangs costs nothing, and no call waits for it", { skip: needs("python3") }, async (t) => {
  const before = openFds();
  const { connection, peer } = await connected(t, "lingering", 1);
  const message = await connection.receive();
  await peer.output(/sent/);
  const hangs = new Promise((resolve) => subscribe("cmsg:hang", resolve));
  message?.[Symbol.dispose]();
  connection.close();
  const begin = performance.now();
  t.ok(native.waitForClosing(5000));
  t.ok(performance.now() - begin < 2000, "what is left hangs");
  t.match(await hangs, { kind: "other", count: 1 });
  t.notOk(native.closedLately(), "nothing of it is closed soon");
  t.notOk(native.waitForClosing(5000), "there is nothing to wait for");
  // Surplus threads of earlier closes end first.
  await until(
    async () => {
      const slept = sleeps("cmsg-supervisor");
      await delay(500);
      return sleeps("cmsg-supervisor") - slept < 10;
    },
    { what: "the supervisor to sleep" },
  );
  peer.kill("SIGKILL");
  await closed();
  t.ok(native.closedLately(), "a number became free");
  await assertNoLeak(t, before);
});

t.test("close() of a bound datagram socket frees its name", async (t) => {
  const before = openFds();
  const abstract = name();
  for (let i = 0; i < 20; i++) (await UnixSocket.bind({ abstract })).close();
  t.pass("it was bound again and again");
  await assertNoLeak(t, before);
});

t.test("a copy of a silent file that waits to be sent", { skip: needs("fuse", "python3") }, async (t) => {
  const fuse = await SilentFuse.mount(t);
  const path = `${tempDir(t)}/s`;
  const server = await UnixServer.listen(path);
  const send = [{ send: { fds: ["opened" as const] } }, { hold: true as const }];
  const peer = startPeer(t, [{ connect: path }, { open: fuse.path }, { hold: true }, ...send]);
  const before = openFds();
  const connection = await server.accept();
  const [one, other] = UnixSocket.pair();
  // Fills the socket, so that the next send is queued.
  const first = one.send(Buffer.alloc(1 << 20));
  await peer.step(1);
  await fuse.silence();
  peer.goOn();
  const message = await connection.receive();
  const gap = new LoopGap();
  const second = one.send(Buffer.from("x"), message?.fds);
  message?.[Symbol.dispose]();
  let received = 0;
  while (received <= 1 << 20) {
    const part = await other.receive();
    received += part?.data.length ?? 0;
    part?.[Symbol.dispose]();
  }
  await Promise.all([first, second]);
  t.ok((await gap.end()) < GAP_MS);
  t.ok(closing().count > 0);
  for (const each of [one, other, connection]) each.close();
  await fuse.abort();
  await closed();
  await assertNoLeak(t, before);
  server.close();
});

t.test("dup2 onto a silent file", { skip: needs("fuse", "python3") }, async (t) => {
  const { status, stdout } = await takeOverSilentFile(t);
  t.equal(status, 0);
  t.match(stdout, /took over/);
});

async function takeOverSilentFile(t: Test) {
  const fuse = await SilentFuse.mount(t);
  const program = start(t, "sh", [
    "-c",
    `exec "$@" < "$0"`,
    fuse.path,
    process.execPath,
    programFile("hostile/take-over"),
  ]);
  await program.output(/^ready$/m);
  await fuse.silence();
  program.child.kill("SIGUSR2");
  await program.output(/^took over in \d+ ms$/m);
  await fuse.abort();
  const ended = await program.ended;
  return { ...ended, stdout: program.stdout };
}

t.test("destroy() of a console whose line discipline is held", { skip: needs("root", "gcc") }, async (t) => {
  const holder = await cProgram(t, "hold-discipline");
  const before = openFds();
  const { ptmx, peer } = openPty();
  const program = start(t, holder, ["3"], { fds: [peer.fd] });
  await program.output(/holding/);
  peer.close();
  const console = PtyConsole.fromFd(ptmx);
  const gap = new LoopGap();
  console.destroy();
  t.ok((await gap.end()) < GAP_MS);
  await program.ended;
  await closed();
  await assertNoLeak(t, before);
});

const GIB = 3;
t.test(
  "a memfd of some GiB",
  { skip: needs("python3") || (freemem() < (GIB + 1) * 2 ** 30 && `less than ${GIB + 1} GiB of memory is free`) },
  async (t) => {
    const before = openFds();
    const { connection, peer } = await connected(t, "memfd", GIB * 1024);
    const message = await connection.receive();
    await peer.output(/sent/);
    const gap = new LoopGap();
    const begin = performance.now();
    message?.[Symbol.dispose]();
    t.ok(performance.now() - begin < 50);
    await gap.end();
    connection.close();
    await end(t, peer, before);
  },
);

t.test("many regular files take few threads", async (t) => {
  const before = openFds();
  const ends = UnixSocket.pair().map((socket) => new OwnedFd(socket.release())) as [OwnedFd, OwnedFd];
  const [one, other] = ends.map((end) => UnixSocket.fromFd(end)) as [UnixSocket, UnixSocket];
  const file = openSync(import.meta.filename, "r");
  for (let i = 0; i < 200; i++) {
    await one.send(Buffer.from("x"), Array<number>(253).fill(file));
    (await other.receive())?.[Symbol.dispose]();
  }
  await closed();
  t.ok(threads() <= FEW_THREADS, `${threads()} threads`);
  closeSync(file);
  for (const each of [one, other]) each.close();
  await closed();
  await assertNoLeak(t, before);
});

t.test(
  "300 hung closes of each kind: consoles hang up, names are free, servers wait and go on",
  {
    skip: needs("root", "fuse", "python3"),
  },
  async (t) => {
    const fuse = await SilentFuse.mount(t);
    const before = openFds();
    const told: string[] = [];
    const heard = (event: string) => () => void told.push(event);
    const [full, free] = [heard("full"), heard("free")];
    subscribe("cmsg:full", full);
    subscribe("cmsg:free", free);
    const warning = once(process, "warning");
    const { console, holder } = await terminal(t);
    const abstract = name();
    const server = await UnixServer.listen({ abstract });
    const gap = new LoopGap();
    const peers = ["lingering", "queued"].map((kind) => hangingPeer(t, `@${abstract}`, kind, 300));
    peers.push(hangingPeer(t, `@${abstract}`, "file", 300, fuse.path));
    const connections = await Promise.all(peers.map(() => server.accept()));
    await Promise.all(peers.map((peer) => peer.output(/sent/)));
    await fuse.silence();
    for (const connection of connections) {
      for (let count = 0; count < 300; ) {
        const message = await connection.receive();
        count += message?.fds.length ?? 0;
        message?.[Symbol.dispose]();
      }
    }
    await until(() => told.includes("full"), { what: "the closer to be full" });
    t.equal(closing().count, 900);
    // A connection waits in the backlog.
    const client = await UnixSocket.connect({ abstract });
    let accepted = false;
    const accepting = server.accept().then((socket) => {
      accepted = true;
      socket.close();
    });
    await delay(100);
    t.notOk(accepted, "nothing is accepted that cannot be closed");
    const begin = performance.now();
    console.destroy();
    await holder.output(/hung up/);
    t.ok(performance.now() - begin < 100, "the console hangs up");
    const other = await UnixServer.listen({ abstract: `${abstract}-other` });
    other.close();
    (await UnixServer.listen({ abstract: `${abstract}-other` })).close();
    t.match((await warning)[0], { code: /^CMSG_/ });
    t.ok(threads() < 256 + 20, `${threads()} threads`);
    for (const peer of peers) peer.kill("SIGKILL");
    await fuse.abort();
    await accepting;
    await closed();
    t.strictSame(closing(), { count: 0, oldestMs: 0 });
    await until(() => told.at(-1) === "free", { what: "the closer to be free" });
    t.ok((await gap.end()) < GAP_MS);
    for (const each of [client, server, ...connections]) each.close();
    await closed();
    await until(() => threads() <= FEW_THREADS, { what: "idle threads to end", timeoutMs: 10_000 });
    unsubscribe("cmsg:full", full);
    unsubscribe("cmsg:free", free);
    await assertNoLeak(t, before);
  },
);

/** A console, and the program on its terminal, which says when it is hung up. */
async function terminal(t: Test): Promise<{ console: PtyConsole; holder: Program }> {
  const { ptmx, peer } = openPty();
  const script =
    "import os, select\np = select.poll()\np.register(3, select.POLLHUP)\nprint('ready', flush=True)\np.poll()\nprint('hung up', flush=True)";
  const holder = start(t, "python3", ["-c", script], { fds: [peer.fd] });
  await holder.output(/ready/);
  peer.close();
  await closed();
  return { console: PtyConsole.fromFd(ptmx), holder };
}

t.test("a Worker that is terminated with hung closes", { skip: needs("python3") }, async (t) => {
  const before = openFds();
  const abstract = name();
  const worker = new Worker(programFile("hostile/hold-in-worker"), { workerData: { abstract } });
  await once(worker, "message");
  const peer = hangingPeer(t, `@${abstract}`, "lingering", 10);
  t.equal((await once(worker, "message"))[0], 10);
  await peer.output(/sent/);
  const gap = new LoopGap();
  await worker.terminate();
  t.ok((await gap.end()) < GAP_MS);
  await until(() => closing().count === 10, { what: () => `its descriptors to be handed over: ${closing().count}` });
  await end(t, peer, before);
});

t.test("where no thread can be started", { skip: needs("gcc", "python3") }, async (t) => {
  const library = await cProgram(t, "few-threads", ["-shared", "-fPIC"]);
  const program = nodeProgram("hostile/close-with-few-threads").flat();
  const run = (threads: number, ...args: string[]) => {
    const env = { ...process.env, LD_PRELOAD: library, FEW_THREADS: `${threads}` };
    return start(t, program[0] as string, [...program.slice(1), ...args], { env });
  };
  const unloadable = run(0);
  t.match(await unloadable.ended, { status: 1 });
  t.match(unloadable.stderr, /ERR_CMSG_NATIVE/);
  t.match(unloadable.stderr, /pthread_create EAGAIN/);
  // Three queues and the supervisor.
  const one = run(4);
  t.match(await one.ended, { status: 0 });
  t.match(one.stdout, /^50 closed$/m);
  const abstract = name();
  const hanging = run(4, abstract);
  await hanging.output(/^listening$/m);
  const peer = hangingPeer(t, `@${abstract}`, "lingering", 2);
  await peer.output(/sent/);
  hanging.write("close\n");
  await hanging.output(/^full$/m);
  await delay(100);
  t.notMatch(hanging.stdout, /accepted/, "nothing is accepted that cannot be closed");
  peer.kill("SIGKILL");
  await hanging.output(/^free$/m);
  t.match(await hanging.ended, { status: 0 });
  t.match(hanging.stdout, /^accepted$/m);
});
