// How a console ends: with its hangup, with its process, or when it is given away.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { OwnedFd } from "cmsg";
import { native } from "cmsg-native";
import { PtyConsole } from "console-socket";
import t from "tap";
import { consoleOf, consoleOfPeer } from "../support/consoles.js";
import { openHostPty } from "../support/host-pty.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { needs } from "../support/requirements.js";
import { Transcript } from "../support/transcript.js";
import { turns } from "../support/turns.js";
import { until } from "../support/until.js";

/** A program that leaves a child with the terminal, which says "late" when a line is typed, and ends with the hangup. */
const leavesChild = ["sh", "-c", "trap '' HUP; exec 3<&0; (read x <&3; echo late $x; read y <&3) & echo early"];

const endOf = (program: { ended: Promise<unknown> }) => program.ended;

t.before(async () => {
  const { console } = await consoleOf(t as never, ["true"]);
  await new Transcript(console).ended;
});

t.test("a child in the background keeps the terminal: no end without endAfter", async (t) => {
  const { console, program } = await consoleOf(t, leavesChild);
  const screen = new Transcript(console);
  await screen.shows(/early/);
  await endOf(program);
  console.write("typed\n");
  await screen.shows(/late typed/);
  t.notOk(console.readableEnded);
  console.destroy();
});

t.test("endAfter(promise) ends it when the process has ended and the drain time has passed", async (t) => {
  const before = openFds();
  const { console, program } = await consoleOf(t, leavesChild);
  console.endAfter(endOf(program), { drainTimeoutMs: 50 });
  t.match(await new Transcript(console).ended, /early/);
  await assertNoLeak(t, before);
});

t.test("endAfter [what it is given is no pidfd] throws, keeps nothing open, and the console goes on", async (t) => {
  const before = openFds();
  const { ptmx, peer } = openHostPty();
  const console = PtyConsole.fromFd(ptmx);
  const open = openFds();
  const file = openSync("/proc/self/exe", "r");
  t.throws(() => console.endAfter(file), { code: "ERR_CMSG_NOT_PIDFD" });
  closeSync(file);
  await assertNoLeak(t, open);
  t.notOk(console.destroyed);
  console.destroy();
  peer.close();
  await assertNoLeak(t, before);
});

t.test("endAfter [called again] replaces the process and the time of the call before", async (t) => {
  const before = openFds();
  const consoleOfPeer = () => {
    const { ptmx, peer } = openHostPty();
    return { terminal: PtyConsole.fromFd(ptmx).resume(), peer };
  };
  const [replaced, early, reference] = [consoleOfPeer(), consoleOfPeer(), consoleOfPeer()];
  const first = Promise.resolve();
  // The process of the first call has ended before the second call …
  replaced.terminal.endAfter(first, { drainTimeoutMs: 20 });
  await turn();
  replaced.terminal.endAfter(new Promise(() => {}));
  // … or ends after it.
  early.terminal.endAfter(Promise.resolve(), { drainTimeoutMs: 20 }).endAfter(new Promise(() => {}));
  reference.terminal.endAfter(first, { drainTimeoutMs: 60 });
  await once(reference.terminal, "close");
  t.notOk(replaced.terminal.destroyed);
  t.notOk(early.terminal.destroyed);
  for (const { terminal, peer } of [replaced, early, reference]) {
    terminal.destroy();
    peer.close();
  }
  await assertNoLeak(t, before);
});

t.test("end(chunk) after the terminal's end, before it was read: no error, and what was read stays", async (t) => {
  const { console } = await consoleOf(t, ["echo", "unread"]);
  console.on("error", (error) => t.fail(error.message));
  await until(() => console.writableEnded, { what: "the terminal's end" });
  await new Promise<void>((resolve) => console.end("typed too late", () => resolve()));
  t.match(await new Transcript(console).ended, /unread/);
});

t.test("endAfter [the reader is slow] loses nothing of what the terminal holds", async (t) => {
  const script = "stty -onlcr; trap '' HUP; exec 3<&0; seq 1 2000; (read y <&3) & exit 0";
  const { console, program } = await consoleOf(t, ["sh", "-c", script]);
  console.endAfter(endOf(program), { drainTimeoutMs: 20 });
  await endOf(program);
  let text = "";
  for await (const chunk of console) {
    text += chunk;
    await turn();
  }
  t.ok(text === Array.from({ length: 2000 }, (_, n) => `${n + 1}\n`).join(""));
});

t.test("endAfter [a child floods] ends all the same", async (t) => {
  const { console, program } = await consoleOf(t, ["sh", "-c", "trap '' HUP; yes & exit 0"]);
  console.resume().endAfter(endOf(program), { drainTimeoutMs: 50 });
  await once(console, "close");
  t.ok(console.readableEnded);
});

t.test("onHangup 'wait' follows a terminal that is closed and opened again", { skip: needs("python3") }, async (t) => {
  const before = openFds();
  const { ptmx, peer, path } = openHostPty();
  peer.close();
  const console = PtyConsole.fromFd(ptmx, { onHangup: "wait" });
  const screen = new Transcript(console);
  for (const round of ["one", "two", "three"]) {
    const writer = spawn("sh", ["-c", `echo ${round} > ${path}`], { stdio: "ignore" });
    await screen.shows(new RegExp(`${round}\r\n`));
    await once(writer, "exit");
    await turns(10);
    t.notOk(console.readableEnded);
  }
  console.endAfter(Promise.resolve(), { drainTimeoutMs: 1_000_000 });
  t.equal(await screen.ended, "one\r\ntwo\r\nthree\r\n");
  await assertNoLeak(t, before);
});

t.test("onHangup 'end' is the first hangup", { skip: needs("python3") }, async (t) => {
  const { console } = await consoleOfPeer(t, [{ write: "x" }, { hangup: true }]);
  t.equal(await new Transcript(console).ended, "x");
});

t.test(
  "release gives the master away, open, and what was read stays readable",
  { skip: needs("python3") },
  async (t) => {
    const before = openFds();
    const { console, peer } = await consoleOfPeer(t, [
      { write: "before" },
      { hold: true },
      { write: "after" },
      { hangup: true },
    ]);
    await once(console, "readable");
    const master = console.release();
    t.throws(() => console.release(), { code: "ERR_CONSOLE_CLOSED" });
    t.equal(await new Transcript(console).ended, "before");
    peer.goOn();
    const again = PtyConsole.fromFd(master);
    t.equal(await new Transcript(again).ended, "after");
    await peer.done();
    await assertNoLeak(t, before);
  },
);

t.test("release [input waits] throws ERR_CONSOLE_BUSY", { skip: needs("python3") }, async (t) => {
  const { console, peer } = await consoleOfPeer(t, [{ raw: true }, { hold: true }]);
  await peer.step(3);
  console.write(Buffer.alloc(1_000_000));
  t.throws(() => console.release(), { code: "ERR_CONSOLE_BUSY" });
  console.destroy();
});

t.test("fromFd [a policy that is none] throws ERR_CONSOLE_INVALID_ARG", async (t) => {
  using ptmx = new OwnedFd(native.dup(0));
  t.throws(() => PtyConsole.fromFd(ptmx, { onHangup: "never" as never }), { code: "ERR_CONSOLE_INVALID_ARG" });
});

t.test("endAfter(pidfd), borrowed", async (t) => {
  const before = openFds();
  const { console, program } = await consoleOf(t, leavesChild);
  const pidfd = native.openPidfd(program.pid);
  console.endAfter(pidfd, { drainTimeoutMs: 50 });
  native.close(pidfd);
  t.match(await new Transcript(console).ended, /early/);
  await assertNoLeak(t, before);
});

t.test("endAfter [the hangup comes first] waits for no drain time", async (t) => {
  const before = openFds();
  const { console, program } = await consoleOf(t, ["echo", "all"]);
  const pidfd = new OwnedFd(native.openPidfd(program.pid));
  console.endAfter(pidfd, { drainTimeoutMs: 1_000_000 });
  pidfd.close();
  t.equal(await new Transcript(console).ended, "all\r\n");
  await assertNoLeak(t, before);
});

t.test("endAfter [destroyed first] keeps nothing", async (t) => {
  const before = openFds();
  const { console, program } = await consoleOf(t, ["sleep", "1000"]);
  const pidfd = native.openPidfd(program.pid);
  console.endAfter(pidfd);
  native.close(pidfd);
  console.destroy();
  await endOf(program);
  await assertNoLeak(t, before);
});
