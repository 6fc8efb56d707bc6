// Dialling: every kind of address, hypervisors that misbehave, and what is left open afterwards.
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { dial } from "console-socket/kata";
import t, { type Test } from "tap";
import { hybridFront, OK } from "../support/hybrid-front.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";

/** Everything until the end. */
async function readAll(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("latin1");
}

function echoServer(t: Test, path: string) {
  const server = createServer((socket) => socket.pipe(socket));
  t.teardown(() => server.close());
  return once(server.listen(path), "listening");
}

for (const form of ["", "unix://", "unix:", "remote://", "mock://"]) {
  t.test(`dial [${form || "a path"}] connects, and carries bytes both ways`, async (t) => {
    const path = join(tempDir(t), "s");
    await echoServer(t, path);
    const before = openFds();
    const stream = await dial(`${form}${path}`);
    stream.end("hello");
    t.equal(await readAll(stream), "hello");
    await assertNoLeak(t, before);
  });
}

t.test("dial [an address as an object] takes what parseAgentAddress gives", async (t) => {
  const path = join(tempDir(t), "s");
  await echoServer(t, path);
  const stream = await dial({ scheme: "unix", path });
  stream.end("hello");
  t.equal(await readAll(stream), "hello");
  await t.rejects(dial({ scheme: "hvsock", path, port: -1 }), { code: "ERR_CONSOLE_ADDRESS" });
});

t.test("dial [a path longer than sun_path] reaches the socket there", async (t) => {
  const directory = join(tempDir(t), "d".repeat(120));
  mkdirSync(directory);
  process.chdir(directory);
  t.teardown(() => process.chdir("/"));
  await echoServer(t, "s");
  const stream = await dial(join(directory, "s"));
  stream.end("hello");
  t.equal(await readAll(stream), "hello");
});

t.test("dial [nobody is there yet] tries until somebody is", async (t) => {
  const path = join(tempDir(t), "s");
  const dialled = dial(path);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await echoServer(t, path);
  const stream = await dialled;
  stream.end("hello");
  t.equal(await readAll(stream), "hello");
});

t.test("dial [nobody comes] ends when the time is up, with the reason", async (t) => {
  const before = openFds();
  const path = join(tempDir(t), "s");
  await t.rejects(dial(path, { timeoutMs: 100 }), {
    code: "ERR_CONSOLE_UNREACHABLE",
    message: /^Expected somebody at unix:.* within 0\.1 s; the latest try: connect ENOENT/,
    cause: { code: "ENOENT" },
  });
  await assertNoLeak(t, before);
});

t.test("dial [an error that stays] does not try again", async (t) => {
  const before = openFds();
  const directory = tempDir(t);
  writeFileSync(join(directory, "file"), "");
  // A deadline that is never reached: each of these would wait for it.
  const patient = { timeoutMs: 2_000_000_000 };
  await t.rejects(dial(join(directory, "file/s"), patient), { code: "ENOTDIR" });
  await t.rejects(dial("unix://relative", patient), { code: "ERR_CONSOLE_ADDRESS" });
  await t.rejects(dial("/run/s", { timeoutMs: 0 }), { code: "ERR_CONSOLE_INVALID_ARG" });
  await t.rejects(dial("/run/s", { timeoutMs: 2 ** 31 }), { code: "ERR_CONSOLE_INVALID_ARG" });
  await assertNoLeak(t, before);
});

t.test("dial [a signal] ends it before, between and during tries, with the signal's reason", async (t) => {
  const front = await hybridFront(t, () => undefined);
  const before = openFds();
  const reason = new Error("enough");
  await t.rejects(dial("/nowhere/s", { signal: AbortSignal.abort(reason) }), reason);
  const between = new AbortController();
  const waiting = dial("/nowhere/s", { signal: between.signal });
  setTimeout(() => between.abort(reason), 30);
  await t.rejects(waiting, reason);
  const during = new AbortController();
  const asking = dial(`hvsock://${front.path}:1024`, { signal: during.signal });
  setTimeout(() => during.abort(reason), 30);
  await t.rejects(asking, reason);
  await until(() => front.connections.size === 0, { what: "the front's side to close" });
  await assertNoLeak(t, before);
});

t.test("dial [hybrid vsock] asks in one write, and gives the guest's stream", async (t) => {
  const front = await hybridFront(t, (socket) => {
    socket.write(OK);
    socket.pipe(socket);
  });
  const before = openFds();
  const stream = await dial(`hvsock://${front.path}:1024`);
  stream.end("hello");
  t.equal(await readAll(stream), "hello");
  t.strictSame(front.requests, [{ line: "CONNECT 1024\n", reads: 1 }]);
  await until(() => front.connections.size === 0, { what: "the front's side to close" });
  await assertNoLeak(t, before);
});

t.test("dial [hybrid vsock, bytes behind the answer] keeps every one, in order", async (t) => {
  const payload = Buffer.alloc(300_000, "0123456789").toString("latin1");
  const front = await hybridFront(t, (socket) => socket.end(OK + payload));
  const before = openFds();
  const stream = await dial(`hvsock://${front.path}:1024`);
  t.ok((await readAll(stream)) === payload, "the payload came as it was sent");
  await assertNoLeak(t, before);
});

t.test("dial [hybrid vsock, the answer in single bytes] puts it together", async (t) => {
  const front = await hybridFront(t, (socket) => {
    const bytes = [...`${OK}rest`];
    const next = (): void => {
      const byte = bytes.shift();
      if (byte === undefined) socket.end();
      else socket.write(byte, () => setImmediate(next));
    };
    next();
  });
  const before = openFds();
  t.equal(await readAll(await dial(`hvsock://${front.path}:1024`)), "rest");
  await assertNoLeak(t, before);
});

t.test("dial [hybrid vsock, nobody listens on the port yet] tries again after each close", async (t) => {
  const front = await hybridFront(t, (socket, _request, count) => {
    if (count < 3) socket.destroy();
    else socket.end(`${OK}up`);
  });
  const before = openFds();
  t.equal(await readAll(await dial(`hvsock://${front.path}:1024`)), "up");
  t.equal(front.requests.length, 3);
  await assertNoLeak(t, before);
});

t.test("dial [hybrid vsock, nobody ever listens] says so at the deadline", async (t) => {
  const front = await hybridFront(t, (socket) => socket.end());
  const before = openFds();
  await t.rejects(dial(`hvsock://${front.path}:1024`, { timeoutMs: 200 }), {
    code: "ERR_CONSOLE_UNREACHABLE",
    cause: { code: "ERR_CONSOLE_NO_LISTENER" },
  });
  t.ok(front.requests.length > 1, "it tried more than once");
  await assertNoLeak(t, before);
});

t.test("dial [hybrid vsock, silence] ends at the deadline", async (t) => {
  const front = await hybridFront(t, () => undefined);
  const before = openFds();
  await t.rejects(dial(`hvsock://${front.path}:1024`, { timeoutMs: 200 }), { code: "ERR_CONSOLE_UNREACHABLE" });
  await until(() => front.connections.size === 0, { what: "the front's side to close" });
  await assertNoLeak(t, before);
});

const others: Record<string, string> = {
  garbage: "HTTP/1.1 400 Bad Request\r\n\r\n",
  "no number": "OK\n",
  "OK somewhere in it": "NOT OK 1\n",
  "a number that is none": "OK 12x\n",
  "lower case": "ok 1\n",
  "CR LF": "OK 1\r\n",
  "a cut line": "OK 1",
  "a line of 1 MiB": `OK ${"1".repeat(1024 * 1024)}\n`,
  "1 MiB without a line": "O".repeat(1024 * 1024),
};

for (const [name, answer] of Object.entries(others)) {
  t.test(`dial [hybrid vsock, ${name}] is refused at once`, async (t) => {
    const front = await hybridFront(t, (socket) => socket.end(answer));
    const before = openFds();
    await t.rejects(dial(`hvsock://${front.path}:1024`, { timeoutMs: 60_000 }), {
      code: "ERR_CONSOLE_HANDSHAKE",
      message: /^Expected "OK" and a number from a hypervisor's socket; it answered ".{0,60}"\./,
    });
    t.equal(front.requests.length, 1);
    await until(() => front.connections.size === 0, { what: "the front's side to close" });
    await assertNoLeak(t, before);
  });
}
