// cmsg's sockets and streams: the end of a Worker or of the process, at any step, leaves nothing open and crashes
// nothing; and a forgotten descriptor is reported where that was asked for.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import t from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { plainNode } from "../support/plain-node.js";
import { run } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";

// Bare names resolve from here.
const cwd = fileURLToPath(new URL("../..", import.meta.url));
const [command, ...options] = plainNode;

/** What the program or the Worker is busy with when it ends. */
const steps = {
  "a datagram that waits for room": `
    const server = await UnixSocket.bind(path);
    const client = await UnixSocket.bind();
    for (let i = 0; i < 30; i++) client.sendTo(Buffer.from("x"), path, [0]).catch(() => {});
    server.receive().catch(() => {});`,
  "records with credentials and pidfds": `
    const [one, other] = UnixSocket.pair("seqpacket", { passCredentials: true });
    await one.send(Buffer.from("x"), [0, 0]);
    await one.send(Buffer.from("x"), [0, 0]);
    globalThis.kept = await other.receive();
    other.receive().catch(() => {});`,
  "a stream that connects": `
    await UnixServer.listen(path, { backlog: 0 });
    for (let i = 0; i < 3; i++) UnixStream.connect({ path }).on("error", () => {});`,
  "streams in full course, nobody listens": `
    const [one, other] = UnixSocket.pair().map((socket) => UnixStream.connect({ fd: socket.release() }));
    for (let i = 0; i < 500; i++) one.writeWithFds(Buffer.alloc(1000), [0]);
    other.on("data", () => {});
    await new Promise((resolve) => other.once("data", resolve));`,
  "a stream whose reader stopped before descriptors": `
    const [one, other] = UnixSocket.pair().map((socket) => UnixStream.connect({ fd: socket.release() }));
    other.on("fds", () => {});
    one.write("plain");
    await new Promise((resolve) => other.once("readable", resolve));
    one.writeWithFds(Buffer.from("x"), [0, 0]);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));`,
  "a server with connections nobody accepts": `
    const server = await UnixServer.listen(path, { type: "seqpacket" });
    for (let i = 0; i < 3; i++) {
      const client = await UnixSocket.connect(path, { type: "seqpacket" });
      await client.send(Buffer.from("x"), [0]);
    }
    globalThis.kept = await server.accept();`,
};

for (const [what, body] of Object.entries(steps)) {
  const program = `const { UnixServer, UnixSocket, UnixStream } = await import(${JSON.stringify(import.meta.resolve("cmsg"))});`;

  t.test(`process.exit with ${what}: status 0, no socket file`, async (t) => {
    const path = `${tempDir(t)}/s`;
    const script = `${program} const path = process.argv[1]; ${body} process.exit();`;
    const result = await run(t, command, [...options, "--input-type=module", "-e", script, path], { cwd });
    t.match(result, { status: 0, signal: null, stderr: "" });
    t.notOk(existsSync(path));
  });

  t.test(`Worker.terminate with ${what}: nothing is left open`, async (t) => {
    const path = `${tempDir(t)}/s`;
    const before = openFds();
    const script = `import { parentPort, workerData as path } from "node:worker_threads";
      ${program} ${body} parentPort.postMessage("there");`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), { workerData: path });
    worker.on("error", (error) => t.error(error));
    await new Promise((resolve) => worker.once("message", resolve));
    await worker.terminate();
    await assertNoLeak(t, before);
  });
}

t.test("a Worker that ends by itself closes what it forgot", async (t) => {
  const before = openFds();
  const script = `const { UnixSocket } = await import(${JSON.stringify(import.meta.resolve("cmsg"))});
    const [one, other] = UnixSocket.pair();
    await one.send(Buffer.from("x"), [0, 0, 0]);
    await other.receive();`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`));
  worker.on("error", (error) => t.error(error));
  t.equal(await new Promise((resolve) => worker.once("exit", resolve)), 0);
  await assertNoLeak(t, before);
});

/** Forgets one descriptor, gives another away and closes a third; then collects garbage until told of it, or not. */
const forgetful = `import("cmsg").then(async ({ OwnedFd, recvFile, UnixSocket }) => {
  const { openSync } = require("node:fs");
  function make() {
    new OwnedFd(openSync("/proc/uptime"));
  }
  async function forgetOne() {
    const [one, other] = UnixSocket.pair();
    await one.send(Buffer.from("x"), [openSync("/proc/version"), 0, 0]);
    const { fds } = await other.receive();
    fds[1].release();
    fds[2].close();
    one.close();
    other.close();
  }
  async function forgetWhatItWaitedFor() {
    const [one, other] = UnixSocket.pair();
    const file = recvFile(other);
    await one.send(Buffer.from("x"), [openSync("/proc/stat")]);
    await file;
    one.close();
    other.close();
  }
  make();
  await forgetOne();
  await forgetWhatItWaitedFor();
  for (let i = 0; i < 20; i++) {
    gc();
    await new Promise(setImmediate);
  }
});`;

t.test("NODE_DEBUG=cmsg: a forgotten OwnedFd is reported once, with who called for it", async (t) => {
  const env = { ...process.env, NODE_DEBUG: "cmsg" };
  const { stderr, status } = await run(t, command, [...options, "--expose-gc", "-e", forgetful], { cwd, env });
  t.equal(status, 0);
  const reports = stderr.split(/^CMSG \d+: /m).slice(1);
  t.equal(reports.length, 3, stderr);
  for (const [file, called, by] of [
    ["/proc/uptime", "new OwnedFd", "make"],
    ["/proc/version", "UnixSocket.receive", "forgetOne"],
    ["/proc/stat", "recvFile", "forgetWhatItWaitedFor"],
  ] as const) {
    const report = reports.find((each) => each.includes(`(${file})`));
    t.match(report, /^descriptor \d+ \(.*\) was forgotten: .* never closed\..* It came from\n/);
    const [, first, second] = report?.split("\n") ?? [];
    t.match(first, new RegExp(`^ +at (async )?${called} `), file);
    t.match(second, new RegExp(`^ +at (async )?${by} `), file);
  }
});

t.test("without NODE_DEBUG nothing is said, and nothing tracked", async (t) => {
  const counting = `let tracked = 0;
    FinalizationRegistry.prototype.register = () => void tracked++;
    process.on("exit", () => console.log(tracked));
    ${forgetful}`;
  const result = await run(t, command, [...options, "--expose-gc", "-e", counting], { cwd });
  t.match(result, { status: 0, stdout: "0\n", stderr: "" });
});
