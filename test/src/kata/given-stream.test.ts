// connectAgent over a stream that the caller made, with a signal and a time limit.

import { once } from "node:events";
import { createServer, Socket } from "node:net";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { connectAgent } from "console-socket/kata";
import t from "tap";
import { tempDir } from "../support/temp-dir.js";

const options = { protocol: "ttrpc" } as const;
const duplex = () => new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });

/** A socket that stays in the state of connecting, as one whose peer does not answer. */
class ConnectingSocket extends Socket {
  override readonly connecting = true;
}

t.test("connectAgent [the signal has aborted] rejects with its reason and destroys the stream", async (t) => {
  const stream = duplex();
  const reason = new Error("no longer needed");
  await t.rejects(connectAgent(stream, { ...options, signal: AbortSignal.abort(reason) }), reason);
  t.ok(stream.destroyed);
});

t.test("connectAgent [the stream does not connect] ends with the time limit, or with the signal", async (t) => {
  const late = new ConnectingSocket();
  await t.rejects(connectAgent(late, { ...options, timeoutMs: 20 }), { code: "ERR_CONSOLE_UNREACHABLE" });
  t.ok(late.destroyed);
  const aborted = new ConnectingSocket();
  const ending = new AbortController();
  const connecting = connectAgent(aborted, { ...options, signal: ending.signal });
  const reason = new Error("no longer needed");
  ending.abort(reason);
  await t.rejects(connecting, reason);
  t.ok(aborted.destroyed);
});

t.test("connectAgent [the stream fails to connect] rejects with the stream's error", async (t) => {
  const socket = new Socket().connect(join(tempDir(t), "absent"));
  await t.rejects(connectAgent(socket, options), { code: "ENOENT" });
  t.ok(socket.destroyed);
});

t.test("connectAgent [the stream connects meanwhile] goes on with it", async (t) => {
  const path = join(tempDir(t), "s");
  const server = createServer((socket) => socket.resume()).listen(path);
  await once(server, "listening");
  const socket = new Socket().connect(path);
  t.ok(socket.connecting);
  const client = await connectAgent(socket, { ...options, timeoutMs: 5000 });
  t.notOk(socket.connecting);
  await client.close();
  await new Promise((closed) => server.close(closed));
});

t.test("connectAgent [its arguments are refused] leaves the stream to the caller", async (t) => {
  const stream = duplex();
  await t.rejects(connectAgent(stream, { protocol: "ttrpc", yamux: true }), { code: "ERR_CONSOLE_INVALID_ARG" });
  t.notOk(stream.destroyed);
});
