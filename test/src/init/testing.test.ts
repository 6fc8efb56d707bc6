// console-init/testing: the fake runtimes, received as the real ones are.
import { join } from "node:path";
import { UnixSocket } from "cmsg";
import { FAKE_RUNTIMES, FAULTS, type FakeRuntimeName, type Fault, fakeRuntime } from "console-init/testing";
import { listen, type PtyConsole, receiveConsole } from "console-socket";
import t from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { startPeer } from "../support/peer.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";

const skip = needs("python3");

t.test("fakeRuntime() sends what each runtime sends", { skip }, async (t) => {
  for (const [name, payload] of Object.entries(FAKE_RUNTIMES)) {
    const socket = join(tempDir(t), "s");
    const peer = startPeer(t, [
      { listen: socket },
      { accept: true },
      { receive: true },
      { receive: true },
      { size: true },
      { write: "typed\n" },
      { read: "said" },
      { hangup: true },
    ]);
    await peer.step(0);
    const initialSize = { columns: 70, rows: 20 };
    const program = await fakeRuntime(socket, { runtime: name as FakeRuntimeName, initialSize });
    t.match(await program.read(/\n/), "typed\n");
    t.equal(await program.write("said"), true);
    const reports = await peer.done();
    t.match(reports[2], { payload, fds: 1, flags: 0 }, name);
    t.match(reports[3], { payload: "", fds: 0 });
    t.strictSame(reports[4]?.size, [70, 20]);
    t.equal(await program.read(/never/), "", "the receiver has hung up");
    t.equal(await program.write("more"), false);
    program.exit();
    program.exit();
  }
});

t.test("fakeRuntime() and console-socket: a program that a test plays", async (t) => {
  const before = openFds();
  const listener = await listen(undefined, { initialSize: { columns: 100, rows: 40 } });
  const [console, program] = await Promise.all([listener.accept(), fakeRuntime(listener.path, { runtime: "crun" })]);
  t.strictSame(program.size, { columns: 100, rows: 40 });
  console.write("hello\n");
  t.equal(await program.read(/hello\n/), "hello\n");
  const much = "x".repeat(200_000);
  let got = "";
  console.setEncoding("latin1").on("data", (text: string) => {
    got += text;
  });
  const ended = new Promise((resolve) => console.once("end", resolve));
  t.equal(await program.write(much), true, "waits while the terminal is full");
  program[Symbol.dispose]();
  await ended;
  t.equal(got, `hello\r\n${much}`);
  listener.close();
  await assertNoLeak(t, before);
});

/** What a receiver makes of each. */
const verdicts: Record<Exclude<Fault, "ghost" | "silent">, string> = {
  "no-message": "ERR_CONSOLE_NONE",
  "no-fd": "ERR_CMSG_NO_FD",
  "two-fds": "ERR_CMSG_FD_COUNT",
  "not-a-terminal": "ERR_CONSOLE_NOT_A_PTY",
  "long-name": "ERR_CMSG_NAME_TOO_LONG",
};

t.test("fakeRuntime() breaks the contract in each way", async (t) => {
  const before = openFds();
  t.strictSame(Object.keys(FAULTS).sort(), [...Object.keys(verdicts), "ghost", "silent"].sort());
  for (const [fault, code] of Object.entries(verdicts)) {
    const [ours, theirs] = UnixSocket.pair();
    const received: Promise<PtyConsole> = receiveConsole(ours);
    const program = await fakeRuntime(theirs, { fault: fault as Fault });
    const error = await received.catch((error) => error);
    t.ok([error.code, error.cause?.code].includes(code), `${fault}: ${code}`, { code: error.code });
    program.exit();
  }
  const [ours, theirs] = UnixSocket.pair();
  const ghost = await fakeRuntime(theirs, { fault: "ghost" });
  const console = await receiveConsole(ours);
  let shown = "";
  for await (const bytes of console) shown += bytes;
  t.equal(shown, "");
  t.equal(ghost.size, undefined);
  t.equal(await ghost.write("x"), false);
  t.equal(await ghost.read(/x/), "");
  ghost.exit();
  await assertNoLeak(t, before);
});

t.test("fakeRuntime() [silent, or keepConnection] keeps the connection until it exits", async (t) => {
  const [ours, theirs] = UnixSocket.pair();
  const program = await fakeRuntime(theirs, { fault: "silent" });
  const end = ours.receive();
  program.exit();
  t.equal(await end, null);
  ours.close();

  const [one, other] = UnixSocket.pair();
  const crun = await fakeRuntime(other, { runtime: "crun", keepConnection: true });
  const message = await one.receive();
  t.equal(message?.fds.length, 1);
  t.equal(other.closed, false);
  crun.exit();
  t.equal(await one.receive(), null);
  message?.[Symbol.dispose]();
  one.close();
  await t.rejects(fakeRuntime("/nonexistent/s"), { code: "ENOENT" });
  await t.rejects(fakeRuntime({ abstract: "nobody-there" }), { code: "ECONNREFUSED" });
});
