// What each runtime puts on the wire, seen by a witness that shares no code with our receiver. When this fails a
// runtime is broken or different here; when only the receiver's tests fail, the receiver is.
import { join } from "node:path";
import t, { type Test } from "tap";
import { Container } from "../support/container.js";
import { type PeerReport, type PeerStep, startPeer } from "../support/peer.js";
import { needs } from "../support/requirements.js";
import { runtimes } from "../support/runtimes.js";
import { tempDir } from "../support/temp-dir.js";

const consoleSize = { columns: 101, rows: 33 };

/** Receive one console, type into it, and read to its end. */
const witness = (socket: string): PeerStep[] => [
  { listen: socket },
  { accept: true },
  { receive: true },
  { size: true },
  { resize: [120, 40] },
  { write: "stty size; echo $((6*7)); exit\n" },
  { read: "nothing that comes, so that this reads to the end" },
];

for (const runtime of runtimes) {
  const skip = needs(...runtime.needs, "python3");

  const check = (t: Test, reports: PeerReport[], size: number[]) => {
    t.match(reports[2], { payload: runtime.payload, fds: 1 }, "one message with one fd and the known payload");
    t.strictSame(reports[3]?.size, size, "the size it came with");
    t.match(reports[6]?.data, /40 120\r\n42\r\n/, "the program is on that terminal");
    t.equal(reports[6]?.ended, "EIO", "and its end is the console's end");
  };

  t.test(`${runtime.name} run --detach sends one console`, { skip }, async (t) => {
    const socket = join(tempDir(t), "s");
    const box = new Container(t, runtime, { consoleSize });
    const peer = startPeer(t, witness(socket));
    await peer.step(0);
    t.match(await box.run(socket), { status: 0, pid: Number });
    check(t, await peer.done(), runtime.appliesConsoleSize ? [101, 33] : [0, 0]);
  });

  t.test(`${runtime.name} create sends one console, which start brings to life`, { skip }, async (t) => {
    const socket = join(tempDir(t), "s");
    const box = new Container(t, runtime, { consoleSize });
    const peer = startPeer(t, witness(socket));
    await peer.step(0);
    t.match(await box.create(socket), { status: 0 });
    t.match(await box.state(), { status: "created" });
    t.match(await box.start(), { status: 0 });
    check(t, await peer.done(), runtime.appliesConsoleSize ? [101, 33] : [0, 0]);
  });

  t.test(`${runtime.name} exec --tty --detach sends a console of its own`, { skip }, async (t) => {
    const socket = join(tempDir(t), "s");
    const box = new Container(t, runtime, { args: ["/bin/sleep", "1000"], terminal: false });
    t.match(await box.run(), { status: 0 });
    const peer = startPeer(t, witness(socket));
    await peer.step(0);
    const exec = await box.exec(["/bin/sh"], socket);
    t.match(exec, { status: 0, pid: Number }, exec.output);
    check(t, await peer.done(), [0, 0]);
    t.match(await box.state(), { status: "running" });
  });

  t.test(`${runtime.name} [no such program] exits with a failure`, { skip }, async (t) => {
    const socket = join(tempDir(t), "s");
    const box = new Container(t, runtime, { args: ["/no/such/program"] });
    const peer = startPeer(t, [{ listen: socket }, { accept: true }, { receive: true }]);
    await peer.step(0);
    t.not((await box.run(socket)).status, 0);
    const received = (await peer.done())[2];
    t.equal(received?.fds, runtime.ghost ? 1 : 0, runtime.ghost ? "after it sent a console" : "and sends no console");
  });
}
