// attach(): when it is over, and what becomes of the terminal in raw mode.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeSync } from "node:fs";
import { Writable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { ReadStream, WriteStream } from "node:tty";
import type { OwnedFd } from "cmsg";
import { native } from "cmsg-native";
import { attach, PtyConsole } from "console-socket";
import t, { type Test } from "tap";
import { consoleOf } from "../support/consoles.js";
import { openHostPty } from "../support/host-pty.js";
import { nodeProgram } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { turns } from "../support/turns.js";
import { until } from "../support/until.js";

/** Starts a program of src/fixtures/console-socket on the terminal; its standard error is this process's. */
function startOnTerminal(t: Test, terminal: OwnedFd, name: string, args: string[] = []): ChildProcess {
  const program = spawn(...nodeProgram(`console-socket/${name}`, args), {
    stdio: [terminal.fd, terminal.fd, "inherit"],
  });
  t.teardown(() => program.kill("SIGKILL"));
  return program;
}

t.test("attach [stdout is slow] resolves when the last byte is written, not before", async (t) => {
  const { console } = await consoleOf(t, ["printf", "last"]);
  let written = "";
  let finishWriting = (): void => undefined;
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      finishWriting = () => {
        written += chunk;
        done();
      };
    },
  });
  const closed = once(console, "close");
  let settled = false;
  const attached = attach(console, { stdin: null, stdout }).finally(() => {
    settled = true;
  });
  await closed;
  await turns(10);
  t.notOk(settled, "the console is over, and its last bytes wait in stdout");
  while (written !== "last") {
    finishWriting();
    await turn();
  }
  finishWriting();
  t.equal(await attached, "ended");
});

for (const [signal, who] of [
  ["SIGTERM", "Node"],
  ["SIGHUP", "onRaw"],
  ["SIGQUIT", "onRaw"],
] as const) {
  t.test(`the terminal is as it was after ${signal}, thanks to ${who}`, async (t) => {
    const before = openFds();
    const { ptmx, peer } = openHostPty();
    const settings = () => Buffer.from(native.getTerminalSettings(peer.fd)).toString("hex");
    const original = settings();
    const program = startOnTerminal(t, peer, "attach-and-restore-on-signal", who === "onRaw" ? [signal] : []);
    const ended = once(program, "exit");
    await until(() => settings() !== original, { what: "raw mode" });
    program.kill(signal);
    t.equal((await ended)[1], signal, "it died by the signal");
    t.equal(settings(), original);
    ptmx.close();
    peer.close();
    await assertNoLeak(t, before);
  });
}

t.test("onRaw comes before raw mode: its handlers are there when the first signal is", async (t) => {
  const { ptmx, peer } = openHostPty();
  const program = startOnTerminal(t, peer, "look-at-settings-in-on-raw");
  t.strictSame(await once(program, "exit"), [3, null]);
  ptmx.close();
  peer.close();
});

t.test("attach [stdin is a terminal that the caller opened] has it raw meanwhile", async (t) => {
  const before = openFds();
  const [person, program] = [openHostPty(), openHostPty()];
  const stdin = new ReadStream(person.peer.fd);
  const stdout = new WriteStream(person.peer.fd);
  const console = PtyConsole.fromFd(program.ptmx.release());
  const settings = () => Buffer.from(native.getTerminalSettings(person.peer.fd)).toString("hex");
  const original = settings();
  const attached = attach(console, { stdin, stdout });
  t.not(settings(), original, "raw");
  writeSync(person.ptmx.fd, "typed\n");
  let shown = "";
  for await (const bytes of console) {
    shown += bytes;
    if (shown.includes("typed")) break;
  }
  program.peer.close();
  t.equal(await attached, "ended");
  t.equal(settings(), original);
  stdin.destroy();
  await t.rejects(attach(console, { stdin, stdout }), { code: "ERR_CONSOLE_INVALID_ARG", message: /destroyed/ });
  stdout.destroy();
  for (const { ptmx, peer } of [person, program]) for (const fd of [ptmx, peer]) fd.close();
  await assertNoLeak(t, before);
});

t.test("attach [a terminal that does not know its size, 0x0] leaves the console's as it is", async (t) => {
  const person = openHostPty();
  const program = openHostPty();
  native.setWindowSize(person.ptmx.fd, 0, 0);
  const stdout = new WriteStream(person.peer.fd);
  t.equal(stdout.columns, 0);
  const console = PtyConsole.fromFd(program.ptmx, { initialSize: { columns: 100, rows: 30 } });
  const sizes: unknown[] = [];
  const attached = attach(console, { stdin: null, stdout, onResize: (size) => sizes.push(size) });
  t.strictSame([console.size, sizes], [{ columns: 100, rows: 30 }, []]);
  stdout.emit("resize");
  t.strictSame([console.size, sizes], [{ columns: 100, rows: 30 }, []], "nor when it says so once more");
  program.peer.close();
  t.equal(await attached, "ended");
  stdout.destroy();
  for (const fd of [person.ptmx, person.peer]) fd.close();
});
