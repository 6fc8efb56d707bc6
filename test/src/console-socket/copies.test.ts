// What a console showed, in other forms: logs and recordings; and what a person types, up to the detach keys.
import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { Asciicast, attach, ConsoleLog, type ConsoleLogOptions } from "console-socket";
import t from "tap";
import { consoleOf } from "../support/consoles.js";

const logged = (chunks: (string | Buffer)[], options: ConsoleLogOptions) =>
  text(Readable.from(chunks.map((chunk) => Buffer.from(chunk))).pipe(new ConsoleLog(options)));
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /gm;

t.test("ConsoleLog", async (t) => {
  t.test("raw: the bytes", async (t) => {
    t.equal(await logged(["one\r\n", "tw", "o"], {}), "one\r\ntwo");
  });

  t.test("cri: a line for each line, with the time; a long one in parts", async (t) => {
    const log = await logged(["one\r\ntw", "o\n", "abcdefghij\nabcd\n\nla", "st"], { format: "cri", maxLineBytes: 4 });
    t.equal(log.match(TIME)?.length, log.trimEnd().split("\n").length);
    t.equal(
      log.replace(TIME, ""),
      "stdout F one\r\nstdout F two\nstdout P abcd\nstdout P efgh\nstdout F ij\nstdout F abcd\nstdout F \nstdout F last\n",
    );
  });

  t.test("cri: the parts of a line, put together, are the line, wherever it is cut", async (t) => {
    const line = "0123456789".repeat(10);
    for (const size of [1, 3, 7, 64, 100, 101]) {
      const chunks = Array.from({ length: Math.ceil(101 / size) }, (_, n) =>
        `${line}\n`.slice(n * size, (n + 1) * size),
      );
      const log = (await logged(chunks, { format: "cri", maxLineBytes: 33 })).replace(TIME, "");
      t.equal(log.replaceAll(/^stdout [FP] (.*)\n/gm, "$1"), line);
      t.match(log, /^(stdout P .{33}\n){3}stdout F .\n$/);
    }
  });

  t.test("refuses what is no format", async (t) => {
    t.throws(() => new ConsoleLog({ format: "json" as "raw" }), { code: "ERR_CONSOLE_INVALID_ARG" });
    t.throws(() => new ConsoleLog({ maxLineBytes: 0 }), { code: "ERR_CONSOLE_INVALID_ARG" });
  });
});

t.test("Asciicast", async (t) => {
  const size = { columns: 80, rows: 24 };

  t.test("a header, then output, sizes and the exit, with the seconds between", async (t) => {
    const recording = new Asciicast({ initialSize: size, command: "runc run box", title: "a title", type: "xterm" });
    const written = text(recording);
    const euro = Buffer.from("€");
    recording.write("one\r\n");
    recording.write(euro.subarray(0, 1));
    recording.resize({ columns: 100, rows: 30 });
    recording.resize({ columns: 100, rows: 30 });
    recording.write(euro.subarray(1));
    recording.write("\x1b[1m\0");
    recording.exit(7);
    recording.resize(size);
    const [header, ...events] = (await written)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    t.match(header, {
      version: 3,
      term: { cols: 80, rows: 24, type: "xterm" },
      timestamp: Number,
      command: "runc run box",
      title: "a title",
    });
    t.strictSame(
      events.map(([, ...event]) => event),
      [
        ["o", "one\r\n"],
        ["r", "100x30"],
        ["o", "€"],
        ["o", "\x1b[1m\0"],
        ["x", "7"],
      ],
      "a character that was cut in two is whole",
    );
    t.ok(events.every(([seconds]) => typeof seconds === "number" && seconds >= 0));
  });

  t.test("without an exit it ends where the console ended", async (t) => {
    const recording = new Asciicast({ initialSize: size });
    const lines = (await text(Readable.from([Buffer.from("a"), Buffer.of(0xe2)]).pipe(recording))).split("\n");
    t.match(lines[1], /^\[\d+\.\d{6}, "o", "a"\]$/);
    t.match(lines[2], /^\[\d+\.\d{6}, "o", "\ufffd"\]$/, "half a character is shown as such");
  });
});

t.test("attach with detach keys", async (t) => {
  async function typed(
    keys: string,
    chunks: (string | undefined)[],
  ): Promise<{ ended: string; input: string; rest: string }> {
    const { console } = await consoleOf(t, ["sh", "-c", "stty raw -echo; printf ready; exec cat"]);
    const stdin = new PassThrough();
    const stdout = new PassThrough();
    let shown = "";
    const ready = new Promise<void>((resolve) => {
      stdout.on("data", (bytes) => {
        shown += bytes;
        if (shown.includes("ready")) resolve();
      });
    });
    const attached = attach(console, { stdin, stdout, detachKeys: keys });
    await ready;
    for (const chunk of chunks) {
      if (chunk !== undefined) stdin.write(chunk);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const ended = await attached;
    const rest = stdin.read()?.toString() ?? "";
    // What the program got before the keys comes back; the console is still the caller's.
    const echo = buffer(console);
    console.write("\x04end");
    await once(console, "readable");
    console.destroy();
    await echo.catch(() => undefined);
    return { ended, input: shown.replace("ready", ""), rest };
  }

  t.test("resolves 'detached'; what came behind them stays", async (t) => {
    t.match(await typed("ctrl-p,ctrl-q", ["\x10\x11rest"]), { ended: "detached", rest: "rest" });
    t.match(await typed("ctrl-p,ctrl-q", ["\x10", "\x11"]), { ended: "detached", rest: "" });
    t.match(await typed("a,ctrl-],DEL", ["aa", "\x1d", "\x7f"]), { ended: "detached" });
    t.match(await typed("ctrl-A,ctrl-a,b", ["\x01\x01\x01", "b"]), { ended: "detached" }, "they may overlap");
  });

  t.test("refuses what are no keys", async (t) => {
    const { console } = await consoleOf(t, ["cat"]);
    for (const keys of ["", "ctrl-", "ctrl-1", "ctrl-pp", "ab", "ctrl-p,,ctrl-q"])
      await t.rejects(attach(console, { stdin: null, stdout: new PassThrough(), detachKeys: keys }), {
        code: "ERR_CONSOLE_INVALID_ARG",
      });
    console.destroy();
  });

  t.test("their beginning is typed when another key follows, or after a second", async (t) => {
    const { console } = await consoleOf(t, ["sh", "-c", "stty raw -echo; printf ready; exec head -c 6"]);
    const stdin = new PassThrough();
    const stdout = new PassThrough();
    const all = text(stdout);
    const attached = attach(console, { stdin, stdout, detachKeys: "ctrl-p,ctrl-q" });
    await once(stdout, "readable");
    stdin.write("\x10x");
    stdin.write("\x10\x10y");
    stdin.write("\x10");
    t.equal(await attached, "ended", "without the second key the first one arrives too");
    stdout.end();
    t.equal(await all, "ready\x10x\x10\x10y\x10");
  });
});
