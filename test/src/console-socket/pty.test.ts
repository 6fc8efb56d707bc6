// asPty(): what node-pty promises of its IPty, on a console. The programs here run behind console-init, or are launched.
import { once } from "node:events";
import { asPty, launch, type Pty } from "console-socket";
import type { IPty } from "node-pty";
import t, { type Test } from "tap";
import { consoleOf } from "../support/consoles.js";
import { fakeRuntime } from "../support/fake-runtime.js";
import { childrenOf, noChildren } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { until } from "../support/until.js";

/** Compiles only where a Pty is one. */
const ipty = (pty: Pty): IPty => pty;

/** What it shows, up to its exit. */
function session(pty: IPty): { shown: () => string; exit: Promise<{ exitCode: number; signal?: number }> } {
  let text = "";
  pty.onData((data) => {
    text += data;
  });
  return { shown: () => text, exit: new Promise((resolve) => pty.onExit(resolve)) };
}

async function ptyOf(t: Test, script: string): Promise<IPty> {
  const { console } = await consoleOf(t, ["sh", "-c", script]);
  return ipty(asPty(console));
}

t.test("asPty of a console", async (t) => {
  t.test("write, onData, and onExit after the last byte; the status is unknown", async (t) => {
    const pty = await ptyOf(t, "read word; seq 1 20000; echo $word");
    const { shown, exit } = session(pty);
    pty.write("the end\n");
    t.strictSame(await exit, { exitCode: -1, signal: 0 });
    t.match(shown(), /\r\n20000\r\nthe end\r\n$/);
    t.doesNotThrow(() => {
      pty.write("lost");
      pty.resize(10, 10);
      pty.kill();
      pty.pause();
      pty.resume();
      pty.clear();
    }, "after the end nothing is an error");
  });

  t.test("cols, rows and resize, which throws as node-pty does", async (t) => {
    const { console } = await consoleOf(t, ["sh", "-c", "read x; stty size"], {
      initialSize: { columns: 90, rows: 30 },
    });
    const pty = ipty(asPty(console));
    const { shown, exit } = session(pty);
    t.strictSame([pty.cols, pty.rows], [90, 30]);
    for (const [columns, rows] of [
      [0, 24],
      [-1, 24],
      [80, 0],
      [Number.NaN, 24],
      [80, Number.POSITIVE_INFINITY],
    ] as const)
      t.throws(() => pty.resize(columns, rows), { message: "resizing must be done using positive cols and rows" });
    pty.resize(101, 33);
    t.strictSame([pty.cols, pty.rows], [101, 33]);
    pty.write("\n");
    await exit;
    t.match(shown(), /33 101/);
  });

  t.test("a character that is cut between two reads is whole", async (t) => {
    const pty = await ptyOf(t, "stty -echo; printf 'ready \\342\\202'; read x; printf '\\254 \\342'");
    const { shown, exit } = session(pty);
    await until(() => shown() === "ready ", { what: "the program" });
    pty.write("\n");
    await exit;
    t.equal(shown(), "ready € \u{fffd}", "and half of one at the end is shown as such");
  });

  t.test("encoding null gives Buffers", async (t) => {
    const { console } = await consoleOf(t, ["printf", "\\342\\202"]);
    const pty = asPty(console, { encoding: null });
    const { exit } = session(pty);
    const chunks: unknown[] = [];
    pty.onData((data) => chunks.push(data));
    await exit;
    t.ok(chunks.every((chunk) => Buffer.isBuffer(chunk)));
    t.equal(Buffer.concat(chunks as Buffer[]).toString("hex"), "e282");
  });

  t.test("flow control: XOFF and XON are not typed when it is handled", async (t) => {
    const { console } = await consoleOf(t, ["sh", "-c", "stty raw -echo; printf ready; head -c 3"]);
    const pty = ipty(asPty(console, { handleFlowControl: true }));
    const { shown, exit } = session(pty);
    await until(() => shown() === "ready", { what: "the program" });
    pty.write("\x13");
    t.ok(console.isPaused());
    pty.write("\x11");
    t.notOk(console.isPaused());
    pty.handleFlowControl = false;
    pty.write("\x13\x11!");
    await exit;
    t.equal(shown(), "ready\x13\x11!");
  });

  t.test("pause keeps what comes", async (t) => {
    const pty = await ptyOf(t, "stty -echo; printf ready; read x; echo more");
    const { shown, exit } = session(pty);
    await until(() => shown() === "ready", { what: "the program" });
    pty.pause();
    pty.write("\n");
    await new Promise((resolve) => setImmediate(resolve));
    t.equal(shown(), "ready");
    pty.resume();
    await exit;
    t.match(shown(), /ready\s*more/);
  });

  t.test("the emitter's methods, and disposables", async (t) => {
    const { console } = await consoleOf(t, ["sh", "-c", "read x; echo shown; exit"]);
    const pty = asPty(console);
    const heard: unknown[] = [];
    const removed = () => heard.push("removed");
    pty.on("data", removed).removeListener("data", removed);
    pty.once("data", removed).removeAllListeners("data");
    pty.onData(removed).dispose();
    pty.onExit(removed).dispose();
    pty.addListener("exit", (code: number, signal: number) => heard.push([code, signal]));
    const closed = new Promise<void>((resolve) => pty.on("close", resolve));
    t.equal(pty.listeners("exit").length, 1);
    pty.on("custom", (value: string) => heard.push(value));
    t.ok(pty.emit("custom", "value"));
    pty.write("\n");
    await closed;
    t.strictSame(heard, ["value", [-1, 0]]);
  });

  t.test("disposing of it hangs up", async (t) => {
    const { console } = await consoleOf(t, ["sleep", "1000"]);
    const closed = once(console, "close");
    {
      using _pty = asPty(console);
    }
    await closed;
  });

  t.test("without a pid: kill hangs up; NaN, which no kill takes", async (t) => {
    const pty = await ptyOf(t, "exec sleep 1000");
    const { exit } = session(pty);
    t.ok(Number.isNaN(pty.pid));
    t.throws(() => process.kill(pty.pid, 0));
    t.equal(pty.process, "");
    pty.kill();
    t.match(await exit, { exitCode: -1 });
  });

  t.test("a pid of 1 or below is refused", async (t) => {
    const { console } = await consoleOf(t, ["cat"]);
    for (const pid of [1, 0, -1, -1000, 1.5, Number.NaN])
      t.throws(() => asPty(console, { pid }), { code: "ERR_CONSOLE_INVALID_ARG" });
    console.destroy();
  });

  t.test("options: pid, process, exited", async (t) => {
    const { console, program } = await consoleOf(t, ["sh", "-c", "exec sleep 1000"]);
    const exited = program.ended.then(({ status, signal }) => ({ code: status, signal }));
    const pty = ipty(asPty(console, { pid: program.pid, process: "a name", exited }));
    const { exit } = session(pty);
    t.equal(pty.pid, program.pid);
    t.equal(pty.process, "a name");
    pty.kill("SIGTERM");
    t.strictSame(await exit, { exitCode: 0, signal: 15 });
  });
});

t.test("asPty of a launched container", { skip: needs("python3") }, async (t) => {
  t.test("pid, process, and the exit status", async (t) => {
    const container = await launch(fakeRuntime(["sh", "-c", "read x; cat; exit 7"]));
    const pty = ipty(asPty(container));
    const { exit } = session(pty);
    t.equal(pty.pid, container.pid);
    t.equal(pty.process, "sh");
    pty.write("\n");
    await until(() => childrenOf(container.pid).length === 1, { what: "cat" });
    pty.write("\x04");
    t.strictSame(await exit, { exitCode: 7, signal: 0 });
    t.equal(pty.process, "");
    await noChildren();
  });

  t.test("kill: SIGHUP, or what is asked for; nothing after the end", async (t) => {
    for (const [signal, number] of [
      [undefined, 1],
      ["SIGKILL", 9],
    ] as const) {
      const pty = ipty(asPty(await launch(fakeRuntime(["sleep", "1000"]))));
      const { exit } = session(pty);
      pty.kill("NO_SUCH_SIGNAL");
      pty.kill(signal);
      t.strictSame(await exit, { exitCode: 0, signal: number });
      pty.kill();
    }
    await noChildren();
  });
});
