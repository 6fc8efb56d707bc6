// PtyConsole: every byte, in order, both ways; and the rules of its end.
import { once } from "node:events";
import { openSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { OwnedFd } from "cmsg";
import { native, PtyResult } from "cmsg-native";
import { PtyConsole } from "console-socket";
import t from "tap";
import { consoleOf, consoleOfPeer } from "../support/consoles.js";
import { nodeProgram } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { fixture } from "../support/paths.js";
import type { PeerStep } from "../support/peer.js";
import { run } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { Transcript } from "../support/transcript.js";
import { turns } from "../support/turns.js";

t.test("what a program writes before it exits at once arrives whole, then the end", async (t) => {
  const before = openFds();
  const { console, program } = await consoleOf(t, ["sh", "-c", "stty -onlcr; seq 1 100000"]);
  const wanted = Array.from({ length: 100_000 }, (_, n) => `${n + 1}\n`).join("");
  t.ok((await new Transcript(console).ended) === wanted, "588895 bytes, in order");
  t.match(await program.ended, { status: 0 });
  await assertNoLeak(t, before);
});

t.test("a chunk, large or small, stays what it was when the next ones come", async (t) => {
  // The first program keeps its terminal full, the second shows a byte or two at a time.
  const kept = async (script: string): Promise<Buffer[]> => {
    const { console } = await consoleOf(t, ["sh", "-c", script]);
    const chunks: Buffer[] = [];
    console.on("data", (chunk: Buffer) => chunks.push(chunk));
    await once(console, "close");
    return chunks;
  };
  const busy = await kept("stty raw; seq 1 200000");
  const slow = await kept("stty -onlcr; for n in 1 2 3 4 5 6 7 8 9; do echo $n; sleep 0.01; done");
  t.ok(Buffer.concat(busy).equals(Buffer.from(Array.from({ length: 200_000 }, (_, n) => `${n + 1}\n`).join(""))));
  t.equal(Buffer.concat(slow).toString(), "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
  // Else each would hold a buffer of 64 KiB of its own.
  t.ok(new Set(slow.map(({ buffer }) => buffer)).size <= 2, "small ones lie in Node's pool");
});

t.test("read slowly, paused and resumed, nothing is lost and the program waits", async (t) => {
  const { console, program } = await consoleOf(t, ["sh", "-c", "stty -onlcr; seq 1 50000"]);
  let text = "";
  for await (const chunk of console) {
    text += chunk;
    console.pause();
    await turn();
    console.resume();
  }
  t.ok(text === Array.from({ length: 50_000 }, (_, n) => `${n + 1}\n`).join(""));
  t.match(await program.ended, { status: 0 });
});

t.test("a paused console stops its program: the kernel holds what is not read", async (t) => {
  const { console, program } = await consoleOf(t, ["sh", "-c", "seq 1 100000; echo done >&2"]);
  await once(console, "readable");
  await turns(100);
  t.ok(console.readableLength < 500_000, `${console.readableLength} bytes are held here, of 688895`);
  t.equal(program.child.exitCode, null);
  await new Transcript(console).ended;
  t.match(await program.ended, { status: 0 });
});

t.test(
  "what is written is typed, with back-pressure, more than the terminal holds",
  { skip: needs("python3") },
  async (t) => {
    const before = openFds();
    const steps: PeerStep[] = [{ raw: true }, { hold: true }, { read: "END" }, { hangup: true }];
    const { console, peer } = await consoleOfPeer(t, steps);
    await peer.step(3);
    const text = `${Array.from({ length: 60_000 }, (_, n) => n).join(" ")} END`;
    t.notOk(console.write(text), `${text.length} bytes have to wait for somebody who reads`);
    peer.goOn();
    await once(console, "drain");
    t.ok((await peer.step(5)).data === text, "every byte, in order");
    console.resume();
    await once(console, "close");
    await assertNoLeak(t, before);
  },
);

t.test("end() flushes and stops typing; the program goes on", async (t) => {
  const { console, program } = await consoleOf(t, ["sh", "-c", "read a; read b; echo got $a $b; sleep 0.2; echo late"]);
  const screen = new Transcript(console);
  console.write("one\n");
  console.end("two\n");
  await once(console, "finish");
  await screen.shows(/^got one two\r$/m);
  t.match(await screen.ended, /^late\r$/m);
  t.match(await program.ended, { status: 0 });
});

// A terminal's settings can only be put as a whole: who puts back what it read undoes what another changed in between.
t.test(
  "setOnlcr leaves a terminal alone that is as it is to be, so that raw mode inside stays",
  { skip: needs("python3") },
  async (t) => {
    const { console, program } = await consoleOf(t, ["python3", fixture("toggle-raw-mode.py")]);
    const screen = new Transcript(console);
    while (!console.destroyed) {
      for (let i = 0; i < 100 && !console.destroyed; i++) console.setOnlcr(true);
      await turn();
    }
    t.match(await screen.ended, /^undone: 0\r$/m);
    t.match(await program.ended, { status: 0 });
  },
);

t.test("destroy() hangs up", async (t) => {
  const before = openFds();
  const { console, program } = await consoleOf(t, ["sh", "-c", "echo here; exec sleep 1000"]);
  console.setEncoding("utf8");
  t.match((await once(console, "data"))[0], /here/);
  console.destroy();
  t.match(await program.ended, { signal: "SIGHUP" });
  t.strictSame(console.resize(10, 10), undefined, "resizing after the end does nothing");
  t.throws(() => console.setOnlcr(false), { code: "ERR_CONSOLE_CLOSED" });
  await assertNoLeak(t, before);
});

t.test("leaving a for await loop does not hang up", async (t) => {
  const { console, program } = await consoleOf(t, ["sh", "-c", "echo one; read x; echo two $x"]);
  for await (const chunk of console) if (String(chunk).includes("one")) break;
  t.notOk(console.destroyed);
  console.write("more\n");
  t.match(await new Transcript(console).ended, /two more/);
  await program.ended;
});

t.test(
  "the final end closes the descriptor also when nobody writes or reads on",
  { skip: needs("python3") },
  async (t) => {
    const before = openFds();
    const { console, peer } = await consoleOfPeer(t, [{ write: "tail" }, { hangup: true }]);
    await peer.done();
    await once(console, "readable");
    await assertNoLeak(t, before);
    t.notOk(console.readableEnded, "what was not read is still there");
    t.equal(String(console.read()), "tail");
    console.resume();
    await once(console, "close");
  },
);

t.test(
  "the descriptor goes also when reading stopped before the end was seen",
  { skip: needs("python3") },
  async (t) => {
    const before = openFds();
    const { console, peer } = await consoleOfPeer(t, [
      { raw: true },
      { write: { repeat: "x", times: 30_000 } },
      { hangup: true },
    ]);
    // Its first bytes fill the stream's buffer, and nobody asks for more; the kernel holds the rest.
    console.read(0);
    await peer.done();
    await assertNoLeak(t, before);
    t.equal((await new Transcript(console).ended).length, 30_000);
  },
);

t.test("typing at a terminal that nobody has open is no error", { skip: needs("python3") }, async (t) => {
  const { console, peer } = await consoleOfPeer(t, [{ write: "last words" }, { hangup: true }]);
  await peer.done();
  console.write("to nobody");
  const screen = new Transcript(console);
  t.match(await screen.ended, /^last words/);
});

t.test("a console that ends without a byte ends normally", { skip: needs("python3") }, async (t) => {
  const { console } = await consoleOfPeer(t, [{ hangup: true }]);
  t.equal(await new Transcript(console).ended, "");
  t.equal(console.errored, null);
});

t.test("size and resize; the program is told", async (t) => {
  // The receive itself sets a size, and may be noticed as a change too.
  const script = `trap 's=$(stty size); echo "$s"; [ "$s" = "22 77" ] && exit' WINCH; stty size; while :; do sleep 0.01; done`;
  const { console } = await consoleOf(t, ["sh", "-c", script], { initialSize: { columns: 33, rows: 11 } });
  const screen = new Transcript(console);
  await screen.shows(/^11 33\r$/m);
  t.strictSame(console.size, { columns: 33, rows: 11 });
  console.resize(77, 22);
  t.match(await screen.ended, /^22 77\r$/m);
  t.strictSame(console.size, { columns: 77, rows: 22 }, "the last size, after the end");
  for (const [columns, rows] of [
    [-1, 5],
    [0, 0],
    [1.5, 5],
    [80, 65_536],
    [Number.NaN, 5],
  ] as const) {
    t.throws(() => console.resize(columns, rows), { code: "ERR_CONSOLE_INVALID_ARG" });
  }
});

t.test("setOnlcr(false) leaves newlines as the program writes them", { skip: needs("python3") }, async (t) => {
  const { console, peer } = await consoleOfPeer(t, [{ hold: true }, { write: "a\nb\n" }, { hangup: true }]);
  console.setOnlcr(false);
  peer.goOn();
  t.equal(await new Transcript(console).ended, "a\nb\n");
});

t.test("fromFd [not a master] throws ERR_CONSOLE_NOT_A_PTY and leaves the descriptor to the caller", async (t) => {
  using fd = new OwnedFd(openSync("/dev/null", "r+"));
  t.throws(() => PtyConsole.fromFd(fd), { code: "ERR_CONSOLE_NOT_A_PTY", message: /character device 1:3/ });
  t.notOk(fd.closed);
});

t.test("fromFd takes a master", async (t) => {
  const before = openFds();
  const console = PtyConsole.fromFd(openSync("/dev/ptmx", "r+"), { name: "mine" });
  t.equal(console.name, "mine");
  console.destroy();
  await once(console, "close");
  await assertNoLeak(t, before);
});

t.test("a terminal never opened by anyone does not end, and does not keep the process when unref'd", async (t) => {
  const console = PtyConsole.fromFd(openSync("/dev/ptmx", "r+"));
  console.unref().resume();
  await turns(20);
  t.notOk(console.readableEnded);
  console.ref().destroy();
});

t.test("many consoles that talk at once each get their own bytes", { skip: needs("python3") }, async (t) => {
  const before = openFds();
  const all = Array.from({ length: 20 }, async (_, n) => {
    const { console } = await consoleOf(t, ["sh", "-c", `stty -onlcr; yes ${n} | head -n 20000`]);
    return (await new Transcript(console).ended) === `${n}\n`.repeat(20_000);
  });
  t.strictSame(await Promise.all(all), Array(20).fill(true));
  await assertNoLeak(t, before);
});

t.test("a read into no room is no hangup", async (t) => {
  const { ptmx, peer } = native.openPty("/dev/ptmx") as { ptmx: number; peer: number };
  const stream = new native.PtyStream(ptmx, () => undefined);
  t.equal(stream.read(new Uint8Array(0)), PtyResult.wouldBlock);
  stream.close();
  for (const fd of [ptmx, peer]) native.close(fd);
});

t.test("listeners that throw: each is an uncaught exception, and the console goes on", async (t) => {
  for (const how of ["hung up", "drained"]) {
    const { stdout, stderr } = await run(t, ...nodeProgram("console-socket/throwing-listener", [how]));
    t.equal(stderr, "");
    const seen: string[] = stdout === "" ? [] : JSON.parse(stdout);
    for (const event of ["a", "uncaught a", "b", "uncaught b", "c", "uncaught c", "end", "uncaught end", "closed null"])
      t.equal(seen.filter((other) => other === event).length, 1, `${how}: ${event}`);
  }
});
