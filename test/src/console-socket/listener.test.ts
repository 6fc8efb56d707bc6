// listen(): where the socket is, who may deliver, and how it ends.
import { once } from "node:events";
import { existsSync, lstatSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { UnixSocket } from "cmsg";
import { consoleInitPath } from "console-init";
import { type ConsoleListener, listen, receiveConsole } from "console-socket";
import t, { type Test } from "tap";
import { nodeProgram } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { delivery, type Peer, startPeer } from "../support/peer.js";
import { run, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";
import { Transcript } from "../support/transcript.js";
import { until } from "../support/until.js";

const mode = (path: string) => (lstatSync(path).mode & 0o777).toString(8);

/** A peer that delivers a console and shows `text` on it. */
function deliver(t: Test, path: string, text = "hello"): Peer {
  return startPeer(t, [{ connect: path }, ...delivery(text)]);
}

t.test("listen [no path] makes a private directory, and removes it", async (t) => {
  const before = openFds();
  const listener = await listen();
  t.equal(mode(listener.path), "600");
  t.equal(mode(dirname(listener.path)), "700");
  t.ok(Buffer.byteLength(listener.path) <= 107);
  listener.close();
  t.notOk(existsSync(dirname(listener.path)));
  await assertNoLeak(t, before);
});

t.test("listen [relative path] gives runtimes the absolute one", async (t) => {
  const dir = tempDir(t);
  const here = process.cwd();
  process.chdir(dir);
  t.teardown(() => process.chdir(here));
  const listener = await listen("s");
  t.match(listener.path, /^\/.*\/s$/);
  process.chdir("/");
  listener.close();
  t.notOk(existsSync(`${dir}/s`));
});

t.test("listen [longer than runtimes can take] rejects ERR_CONSOLE_INVALID_ARG", async (t) => {
  await t.rejects(listen(`/tmp/${"x".repeat(103)}`), {
    code: "ERR_CONSOLE_INVALID_ARG",
    message: /at most 107 bytes; this absolute one has 108/,
  });
});

t.test("listen [a bad size] rejects ERR_CONSOLE_INVALID_ARG", async (t) => {
  await t.rejects(listen(undefined, { initialSize: { columns: -1, rows: 2 } }), { code: "ERR_CONSOLE_INVALID_ARG" });
});

t.test("consoles that arrived before accept wait for it", { skip: needs("python3") }, async (t) => {
  const before = openFds();
  const listener = await listen();
  await Promise.all([deliver(t, listener.path).done(), deliver(t, listener.path).done()]);
  for (const _ of [1, 2]) t.equal(await new Transcript(await listener.accept()).ended, "hello");
  listener.close();
  await assertNoLeak(t, before);
});

t.test("accept [signal] and close", async (t) => {
  const listener = await listen();
  const controller = new AbortController();
  const aborted = listener.accept({ signal: controller.signal });
  controller.abort();
  await t.rejects(aborted, { name: "AbortError" });
  await t.rejects(listener.accept({ signal: AbortSignal.abort() }), { name: "AbortError" });
  const waiting = listener.accept({ signal: new AbortController().signal });
  const iterated = (async () => {
    for await (const _ of listener) t.fail("there is no console");
  })();
  await turn();
  let closed = 0;
  listener.on("close", () => closed++);
  listener.close();
  listener.close();
  t.equal(closed, 1);
  await t.rejects(waiting, { code: "ERR_CONSOLE_CLOSED" });
  await iterated;
  await t.rejects(listener.accept(), { code: "ERR_CONSOLE_CLOSED" });
});

t.test("accept [its signal aborts] takes no console with it", { skip: needs("python3") }, async (t) => {
  const listener = await listen();
  const controller = new AbortController();
  const aborted = listener.accept({ signal: controller.signal });
  const next = listener.accept();
  controller.abort(new Error("no longer"));
  await t.rejects(aborted, { message: "no longer" });
  deliver(t, listener.path);
  t.equal(await new Transcript(await next).ended, "hello");
  listener.close();
});

t.test("iteration gives consoles; leaving it leaves the listener", { skip: needs("python3") }, async (t) => {
  const listener = await listen();
  deliver(t, listener.path, "first");
  for await (const console of listener) {
    t.equal(await new Transcript(console).ended, "first");
    break;
  }
  t.notOk(listener.closed);
  deliver(t, listener.path, "second");
  t.equal(await new Transcript(await listener.accept()).ended, "second");
  listener.close();
});

t.test("close hangs up the consoles that nobody took, not the others", async (t) => {
  const before = openFds();
  const listener = await listen();
  const run = (script: string) =>
    start(t, consoleInitPath(), ["--ptmx", "/dev/ptmx", "--console-socket", listener.path, "--", "sh", "-c", script]);
  run("read line; echo got $line");
  const taken = await listener.accept();
  const left = run("exec sleep 1000");
  // console-init becomes the program when it has sent the console; one turn later it is here.
  await until(() => readFileSync(`/proc/${left.pid}/comm`, "utf8") === "sleep\n", { what: "the program" });
  await turn();
  listener.close();
  t.match(await left.ended, { signal: "SIGHUP" });
  taken.write("it\n");
  t.match(await new Transcript(taken).ended, /got it/);
  await assertNoLeak(t, before);
});

t.test("many listeners in one process, one per container", { skip: needs("python3") }, async (t) => {
  const before = openFds();
  const listeners: ConsoleListener[] = [];
  for (let n = 0; n < 20; n++) listeners.push(await listen());
  t.equal(new Set(listeners.map(({ path }) => path)).size, 20);
  const [third, ninth] = [listeners[3], listeners[9]];
  if (!third || !ninth) throw new Error("there are 20");
  deliver(t, ninth.path, "ninth");
  deliver(t, third.path, "third");
  t.equal(await new Transcript(await third.accept()).ended, "third");
  t.equal(await new Transcript(await ninth.accept()).ended, "ninth");
  for (const listener of listeners) listener.close();
  await assertNoLeak(t, before);
});

t.test("abstract names", { skip: needs("python3") }, async (t) => {
  const listener = await listen({ abstract: `console-test-${process.pid}` });
  t.equal(listener.path, `@console-test-${process.pid}`);
  deliver(t, listener.path);
  t.equal(await new Transcript(await listener.accept()).ended, "hello");
  listener.close();
});

t.test("a peer of another user is refused, unless allowed", { skip: needs("root") }, async (t) => {
  const before = openFds();
  const connectAs = (path: string, uid: number) => run(t, ...nodeProgram("cmsg/connect-and-wait", [path, `${uid}`]));
  const name = `console-test-uid-${process.pid}`;
  const strict = await listen({ abstract: name });
  const refused = once(strict, "refused");
  await connectAs(strict.path, 65_534);
  t.match(await refused, [{ error: { code: "ERR_CONSOLE_PEER", message: /uid 65534/ }, peer: { uid: 65_534 } }]);
  strict.close();
  for (const allowUids of [[65_534], "any"] as const) {
    const listener = await listen({ abstract: name }, { allowUids, silentPeerTimeoutMs: 1 });
    const answer = once(listener, "refused");
    await connectAs(listener.path, 65_534);
    t.match(await answer, [{ error: { code: "ERR_CONSOLE_TIMEOUT" } }], "it was let in, and then said nothing");
    listener.close();
  }
  await assertNoLeak(t, before);
});

t.test("receiveConsole takes the console from a connected socket", { skip: needs("python3") }, async (t) => {
  const before = openFds();
  const [ours, theirs] = UnixSocket.pair();
  startPeer(
    t,
    [
      { adopt: 3 },
      { send: { payload: "named\u001b[31m\0", fds: ["master"] } },
      { close: true },
      { write: "x" },
      { hangup: true },
    ],
    [theirs.fd],
  );
  const console = await receiveConsole(ours);
  theirs.close();
  t.ok(ours.closed);
  t.equal(console.name, "named\u{fffd}[31m", "escapes do not survive");
  t.strictSame(console.peer?.uid, process.getuid?.());
  t.equal(await new Transcript(console).ended, "x");
  await assertNoLeak(t, before);
});

t.test("receiveConsole [signal] rejects with its reason and closes the socket", async (t) => {
  const before = openFds();
  for (const early of [true, false]) {
    const [ours, theirs] = UnixSocket.pair();
    const controller = new AbortController();
    if (early) controller.abort();
    const received = receiveConsole(ours, { signal: controller.signal });
    controller.abort();
    await t.rejects(received, { name: "AbortError" });
    t.ok(ours.closed);
    theirs.close();
  }
  await assertNoLeak(t, before);
});

t.test("a size that the runtime set stays, 0x0 becomes 80x24, initialSize overrides both", async (t) => {
  for (const [options, initialSize, seen] of [
    [[], undefined, { columns: 80, rows: 24 }],
    [["--size", "101x33"], undefined, { columns: 101, rows: 33 }],
    [["--size", "101x33"], { columns: 55, rows: 44 }, { columns: 55, rows: 44 }],
  ] as const) {
    const listener = await listen(undefined, { initialSize });
    const args = [
      "--ptmx",
      "/dev/ptmx",
      "--console-socket",
      listener.path,
      ...options,
      "--",
      "sh",
      "-c",
      "read line; stty size",
    ];
    start(t, consoleInitPath(), args);
    const console = await listener.accept();
    t.strictSame(console.size, seen);
    // Only now, however slow this receiver is, does the program look.
    console.write("\n");
    t.equal(await new Transcript(console).ended, `\r\n${seen.rows} ${seen.columns}\r\n`);
    listener.close();
  }
});

t.test("a 'refused' listener that throws: an uncaught exception, and receiving goes on", async (t) => {
  const { stdout } = await run(t, ...nodeProgram("console-socket/throwing-refused-listener"));
  t.strictSame(JSON.parse(stdout || "[]"), ["refused", "refused", "listens"]);
});
