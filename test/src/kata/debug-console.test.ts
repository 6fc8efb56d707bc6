// A sandbox as its host sees it: a shim that says where the agent is, a hypervisor's socket, and a shell behind it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { UnixServer } from "cmsg";
import { Asciicast, asPty, attach, ConsoleLog } from "console-socket";
import { openDebugConsole, passFd, sandboxAgentUrl } from "console-socket/kata";
import t, { type Test } from "tap";
import { hybridFront, OK } from "../support/hybrid-front.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";

/** As the agent's: what is typed goes to a shell's input, and what it prints comes back. */
function shell(socket: Socket): void {
  socket.write(OK);
  const child = spawn("sh", ["-s"], { stdio: ["pipe", "pipe", "ignore"] });
  socket.pipe(child.stdin);
  child.stdin.on("error", () => undefined);
  child.stdout.pipe(socket);
}

t.before(async () => {
  await openDebugConsole("/nowhere/s", { timeoutMs: 1 }).catch(() => undefined);
});

// All that a stream holds: since Node 26 `read` gives one chunk of it.
function held(stream: Readable): string {
  let text = "";
  for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) text += chunk;
  return text;
}

t.test("openDebugConsole asks for port 1026 in place of the agent's, and carries bytes", async (t) => {
  const front = await hybridFront(t, shell);
  const before = openFds();
  const console = await openDebugConsole(`hvsock://${front.path}:1024`);
  t.equal(front.requests[0]?.line, "CONNECT 1026\n");
  t.equal(console.name, `hvsock://${front.path}:1026`);
  t.strictSame(console.size, { columns: 80, rows: 24 });
  console.resize(100, 30);
  t.strictSame(console.size, { columns: 100, rows: 30 });
  t.throws(() => console.resize(-1, 30), { code: "ERR_CONSOLE_INVALID_ARG" });
  console.write("echo hello; exit\n");
  let shown = "";
  for await (const bytes of console) shown += bytes;
  t.equal(shown, "hello\n");
  t.ok(console.write("nobody is there"), "what is typed after the end is dropped");
  await until(() => front.connections.size === 0, { what: "the connection to close" });
  await assertNoLeak(t, before);
});

t.test("openDebugConsole [options that are none] says what was expected", async (t) => {
  const wrong = { code: "ERR_CONSOLE_INVALID_ARG" };
  await t.rejects(openDebugConsole("/run/s", { port: -1 }), wrong);
  await t.rejects(openDebugConsole("/run/s", { initialSize: { columns: -1, rows: 1 } }), wrong);
  await t.rejects(openDebugConsole("unix://s"), { code: "ERR_CONSOLE_ADDRESS" });
});

t.test("a debug console works with attach, ConsoleLog, Asciicast and asPty", async (t) => {
  const front = await hybridFront(t, shell);
  const before = openFds();
  const console = await openDebugConsole(`hvsock://${front.path}:1024`);
  const log = console.pipe(new ConsoleLog({ format: "cri" }));
  const recording = console.pipe(new Asciicast({ initialSize: console.size }));
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  stdin.write("echo hello; exit\n");
  t.equal(await attach(console, { stdin, stdout }), "ended");
  t.equal(held(stdout), "hello\n");
  t.match(held(log), / stdout F hello\n$/);
  t.match(held(recording), /"o", "hello\\n"/);

  const pty = asPty(await openDebugConsole(`hvsock://${front.path}:1024`));
  let shown = "";
  pty.onData((text) => {
    shown += text;
  });
  const exit = new Promise((resolve) => pty.onExit(resolve));
  pty.resize(100, 30);
  pty.write("echo again; exit\n");
  t.strictSame(await exit, { exitCode: -1, signal: 0 });
  t.equal(shown, "again\n");
  t.equal(pty.cols, 100);
  await until(() => front.connections.size === 0, { what: "the connections to close" });
  await assertNoLeak(t, before);
});

t.test("a debug console [more than 4 MiB, a slow reader] loses nothing", async (t) => {
  const payload = Buffer.alloc(4 * 1024 * 1024, "0123456789abcde");
  const front = await hybridFront(t, (socket) => {
    socket.write(OK);
    socket.pipe(socket);
  });
  const before = openFds();
  const console = await openDebugConsole(`hvsock://${front.path}:1024`);
  console.write(payload);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of console) {
    chunks.push(chunk as Buffer);
    length += chunk.length;
    if (chunks.length % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (length >= payload.length) break;
  }
  t.ok(Buffer.concat(chunks).equals(payload));
  t.notOk(console.destroyed, "leaving the loop leaves it open");
  console.destroy();
  await until(() => front.connections.size === 0, { what: "the connection to close" });
  await assertNoLeak(t, before);
});

/** A shim's monitor socket, in a root as /run/vc/sbs is one. */
async function shim(t: Test, id: string, answer: (response: import("node:http").ServerResponse) => void) {
  const root = tempDir(t);
  mkdirSync(join(root, id));
  const urls: (string | undefined)[] = [];
  const server = createHttpServer((request, response) => {
    urls.push(request.url);
    answer(response);
  });
  await once(server.listen(join(root, id, "shim-monitor.sock")), "listening");
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { root, urls };
}

t.test("sandboxAgentUrl asks the sandbox's shim", async (t) => {
  const { root, urls } = await shim(t, "box", (response) => response.end("vsock://3:1024\n"));
  const before = openFds();
  t.equal(await sandboxAgentUrl("box", { root }), "vsock://3:1024");
  t.strictSame(urls, ["/agent-url"]);
  await assertNoLeak(t, before, { allow: /^socket:/ });
});

t.test("sandboxAgentUrl [a shim that does not tell] says what it did instead", async (t) => {
  const refused = { code: "ERR_CONSOLE_SANDBOX" };
  const answers: Record<string, (response: import("node:http").ServerResponse) => void> = {
    "an error": (response) => response.writeHead(500).end("no"),
    nothing: (response) => response.end(),
    "too much": (response) => response.end("x".repeat(1024 * 1024)),
    silence: () => undefined,
    "no HTTP": (response) => response.socket?.end("garbage\n\n"),
    "a close": (response) => response.socket?.destroy(),
  };
  for (const [name, answer] of Object.entries(answers)) {
    const { root } = await shim(t, "box", answer);
    await t.rejects(sandboxAgentUrl("box", { root, timeoutMs: 300 }), refused, name);
  }
  await t.rejects(sandboxAgentUrl("box", { root: tempDir(t) }), { ...refused, message: /nobody listens on .*box/ });
});

t.test("sandboxAgentUrl [an ID that is a path] is refused", async (t) => {
  for (const id of ["", "..", "../box", "a/b", "-box", "a\0b"])
    await t.rejects(sandboxAgentUrl(id, { root: "/run" }), { code: "ERR_CONSOLE_INVALID_ARG" }, JSON.stringify(id));
});

t.test("passFd sends the line, then the port with one descriptor, and gives the port of the answer", async (t) => {
  const path = join(tempDir(t), "h");
  const server = await UnixServer.listen(path);
  t.teardown(() => server.close());
  for (const keep of [false, true]) {
    const before = openFds();
    const passed = passFd(path, 1027, 0, { keep });
    const socket = await server.accept();
    const line = await socket.receive({ length: 7, maxFds: 0 });
    t.equal(String(line?.data), "passfd\n");
    const message = await socket.receive({ length: 32 });
    t.equal(String(message?.data), keep ? "1027 keep" : "1027");
    t.equal(message?.fds.length, 1);
    message?.[Symbol.dispose]();
    await socket.send(Buffer.from("OK 1073741825\n"));
    t.equal(await passed, 1073741825);
    socket.close();
    await assertNoLeak(t, before);
  }
});

t.test("passFd [a front that closes, answers otherwise, or a bad descriptor] leaves nothing open", async (t) => {
  const path = join(tempDir(t), "h");
  const server = await UnixServer.listen(path);
  t.teardown(() => server.close());
  const answers = { ERR_CONSOLE_NO_LISTENER: "", ERR_CONSOLE_HANDSHAKE: "no\n" };
  for (const [code, answer] of Object.entries(answers)) {
    const before = openFds();
    const passed = passFd(path, 1027, 0);
    const refused = t.rejects(passed, { code });
    const socket = await server.accept();
    (await socket.receive({ length: 7 }))?.[Symbol.dispose]();
    (await socket.receive())?.[Symbol.dispose]();
    if (answer) await socket.send(Buffer.from(answer));
    socket.close();
    await refused;
    await assertNoLeak(t, before);
  }
  const before = openFds();
  await t.rejects(passFd(path, 1027, 9999), { code: "EBADF" });
  await t.rejects(passFd(path, -1, 0), { code: "ERR_CONSOLE_INVALID_ARG" });
  await t.rejects(passFd(`${path}x`, 1027, 0), { code: "ENOENT" });
  const silent = passFd(path, 1027, 0, { signal: AbortSignal.timeout(50) });
  await t.rejects(silent, { name: "TimeoutError" });
  await assertNoLeak(t, before);
});
