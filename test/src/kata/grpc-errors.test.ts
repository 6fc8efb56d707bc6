// Other ends that do what an agent of gRPC must not, without and with yamux below it, and hypervisors' sockets before
// them: each call ends with a stable code, the connection goes with what broke it, and nothing stays open.
import { once } from "node:events";
import type { Socket } from "node:net";
import { connectAgent, RpcError } from "console-socket/kata";
import t from "tap";
import { hybridFront, OK } from "../support/hybrid-front.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { grpcFrame, httpAgent, Received } from "../support/played-agent.js";
import { type ErrorMatch, PROTOCOL_ERROR, rpc } from "../support/rpc-errors.js";
import { streamPair } from "../support/unix-streams.js";
import { until } from "../support/until.js";

type Answer = Parameters<typeof httpAgent>[1];
const HEADERS = { ":status": 200, "content-type": "application/grpc" };

function trailersAfter(body: Buffer, trailers: Record<string, string>): Answer {
  return (stream) => {
    stream.respond(HEADERS, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(body);
  };
}

const answers: [name: string, answer: Answer, error: ErrorMatch][] = [
  [
    "only headers, with a message in percent",
    (stream) =>
      stream.respond({ ...HEADERS, "grpc-status": "5", "grpc-message": "no %22b%C3%BC%22 100%" }, { endStream: true }),
    rpc(5, "NOT_FOUND", 'no "bü" 100%'),
  ],
  ["a status in the trailers", trailersAfter(Buffer.alloc(0), { "grpc-status": "7" }), rpc(7, "PERMISSION_DENIED")],
  ["a status nobody knows", trailersAfter(Buffer.alloc(0), { "grpc-status": "99" }), rpc(99, "UNKNOWN")],
  ["a status that is no number", trailersAfter(Buffer.alloc(0), { "grpc-status": "ok" }), PROTOCOL_ERROR],
  ["OK without a message", trailersAfter(Buffer.alloc(0), { "grpc-status": "0" }), PROTOCOL_ERROR],
  ["two messages", trailersAfter(Buffer.alloc(10), { "grpc-status": "0" }), PROTOCOL_ERROR],
  ["a message that is cut", trailersAfter(Buffer.from([0, 0, 0, 0, 9, 1]), { "grpc-status": "0" }), PROTOCOL_ERROR],
  ["a compressed message", trailersAfter(Buffer.from([1, 0, 0, 0, 0]), { "grpc-status": "0" }), PROTOCOL_ERROR],
  ["no status", trailersAfter(grpcFrame(Buffer.alloc(0)), {}), PROTOCOL_ERROR],
  ["a message that is too long", trailersAfter(grpcFrame(Buffer.alloc(4194305)), {}), rpc(8, "RESOURCE_EXHAUSTED")],
  ["HTTP's 404", (stream) => stream.respond({ ":status": 404 }, { endStream: true }), rpc(12, "UNIMPLEMENTED")],
  ["HTTP's 503", (stream) => stream.respond({ ":status": 503 }, { endStream: true }), rpc(14, "UNAVAILABLE")],
  ["HTTP's 418", (stream) => stream.respond({ ":status": 418 }, { endStream: true }), rpc(2, "UNKNOWN", /418/)],
  ["a web page", (stream) => stream.respond({ ":status": 200, "content-type": "text/html" }), PROTOCOL_ERROR],
  ["a refused stream", (stream) => stream.close(7), rpc(14, "UNAVAILABLE")],
  ["a cancelled stream", (stream) => stream.close(8), rpc(1, "CANCELLED")],
  ["a stream reset with INTERNAL_ERROR", (stream) => stream.close(2), rpc(13, "INTERNAL")],
  ["a connection that goes", (stream) => stream.session?.destroy(), rpc(14, "UNAVAILABLE")],
];
for (const [name, answer, error] of answers) {
  t.test(`gRPC [${name}] rejects with the code for it`, async (t) => {
    const client = await connectAgent(await httpAgent(t, answer), { protocol: "grpc" });
    await t.rejects(client.health.check(), error);
    await client.close();
  });
}

t.test("gRPC [a request that is too long] is not sent; the connection goes on", async (t) => {
  const answer = trailersAfter(grpcFrame(Buffer.from([8, 1])), { "grpc-status": "0" });
  const client = await connectAgent(await httpAgent(t, answer), { protocol: "grpc" });
  const call = client.agent.createSandbox({ hostname: "x".repeat(4 * 1024 * 1024) });
  await t.rejects(call, rpc(8, "RESOURCE_EXHAUSTED"));
  t.strictSame(await client.health.check(), { status: 1 });
  await client.close();
});

for (const garbage of ["HTTP/1.1 400 Bad Request\r\n\r\n", "\0".repeat(100), "SSH-2.0-OpenSSH_9.2p1\r\n"]) {
  t.test(`gRPC [${JSON.stringify(garbage.slice(0, 8))}] is no HTTP/2`, async (t) => {
    const before = openFds();
    const [stream, other] = streamPair(t);
    const client = await connectAgent(stream, { protocol: "grpc" });
    const call = client.health.check();
    other.write(garbage);
    await t.rejects(call, PROTOCOL_ERROR);
    await client.close();
    other.destroy();
    await assertNoLeak(t, before);
  });
}

/** A frame of yamux. */
function yamuxFrame(type: number, flags: number, stream: number, length: number, version = 0): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(version, 0);
  header.writeUInt8(type, 1);
  header.writeUInt16BE(flags, 2);
  header.writeUInt32BE(stream, 4);
  header.writeUInt32BE(length, 8);
  return header;
}

const yamuxBroken: [name: string, bytes: Buffer, error: ErrorMatch][] = [
  ["another version", yamuxFrame(0, 0, 1, 0, 1), PROTOCOL_ERROR],
  ["an unknown type", yamuxFrame(4, 0, 1, 0), PROTOCOL_ERROR],
  ["more data than the window holds", yamuxFrame(0, 0, 1, 256 * 1024 + 1), PROTOCOL_ERROR],
  ["an end of the session by an error", yamuxFrame(3, 0, 0, 1), PROTOCOL_ERROR],
  [
    "data behind the end",
    Buffer.concat([yamuxFrame(1, 4, 1, 0), yamuxFrame(0, 0, 1, 1), Buffer.of(0)]),
    PROTOCOL_ERROR,
  ],
  ["data with the end", yamuxFrame(0, 4, 1, 5), PROTOCOL_ERROR],
  ["a reset of the stream", yamuxFrame(1, 8, 1, 0), rpc(14, "UNAVAILABLE")],
  ["an end of the stream", yamuxFrame(1, 4, 1, 0), rpc(14, "UNAVAILABLE")],
];
for (const [name, bytes, error] of yamuxBroken) {
  t.test(`yamux [${name}] ends the connection, and its calls`, async (t) => {
    const before = openFds();
    const [stream, other] = streamPair(t);
    const client = await connectAgent(stream, { protocol: "grpc", yamux: true });
    const call = client.health.check();
    other.resume().write(bytes);
    await t.rejects(call, error);
    await client.close();
    t.ok(stream.destroyed);
    other.destroy();
    await assertNoLeak(t, before);
  });
}

t.test("yamux [pings without end, and nobody who reads the answers] ends the connection", async (t) => {
  const [stream, other] = streamPair(t);
  const client = await connectAgent(stream, { protocol: "grpc", yamux: true });
  const call = client.health.check();
  other.pause();
  const pings = Buffer.concat(Array.from({ length: 5000 }, (_, n) => yamuxFrame(2, 1, 0, n)));
  other.on("error", () => undefined);
  const flood = () => {
    while (!other.destroyed && other.write(pings));
  };
  other.on("drain", flood);
  flood();
  await t.rejects(call, PROTOCOL_ERROR);
  await client.close();
});

t.test("yamux: opens one stream, answers pings, refuses streams, and passes over what is on them", async (t) => {
  const [stream, other] = streamPair(t);
  const received = new Received(other);
  const client = await connectAgent(stream, { protocol: "grpc", yamux: true });
  t.strictSame(await received.take(12), yamuxFrame(1, 1, 1, 0), "SYN");
  // HTTP/2's preface and settings follow as data.
  const length = (await received.take(12)).readUInt32BE(8);
  t.match(String(await received.take(length)), /^PRI \* HTTP\/2\.0/);
  await new Promise(setImmediate);
  received.bytes = Buffer.alloc(0);
  other.write(
    Buffer.concat([yamuxFrame(0, 1, 2, 5), Buffer.from("hello"), yamuxFrame(2, 1, 0, 0xfeed), yamuxFrame(3, 0, 0, 0)]),
  );
  const answers = Buffer.concat([yamuxFrame(1, 8, 2, 0), yamuxFrame(2, 2, 0, 0xfeed)]);
  await received.take(1).then((first) => {
    received.bytes = Buffer.concat([first, received.bytes]);
  });
  const seen: string[] = [];
  while (seen.length < 2) {
    const header = await received.take(12);
    if (header.readUInt8(1) === 0) await received.take(header.readUInt32BE(8));
    else if (!(header.readUInt8(1) === 2 && header.readUInt16BE(2) === 1)) seen.push(header.toString("hex"));
  }
  t.equal(seen.join(""), answers.toString("hex"));
  await client.close();
  await once(other, "close");
});

const fronts: [name: string, answer: (socket: Socket) => void, error: ErrorMatch][] = [
  ["closes", (socket) => socket.end(OK), rpc(14, "UNAVAILABLE")],
  ["sends garbage", (socket) => socket.write(`${OK}SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n`), PROTOCOL_ERROR],
  ["is silent", (socket) => socket.write(OK), rpc(4, "DEADLINE_EXCEEDED")],
];
for (const [name, answer, error] of fronts) {
  for (const protocol of ["grpc", "yamux", "ttrpc"]) {
    t.test(`${protocol} [a hypervisor's socket that says OK, and then ${name}]`, async (t) => {
      const front = await hybridFront(t, answer);
      const before = openFds();
      const client = await connectAgent(`hvsock://${front.path}:1024`, {
        protocol: protocol === "ttrpc" ? "ttrpc" : "grpc",
        yamux: protocol === "yamux",
      });
      await t.rejects(client.health.check({ timeoutMs: name === "is silent" ? 100 : 60_000 }), error);
      await client.close();
      await until(() => front.connections.size === 0, { what: "the connection to close" });
      await assertNoLeak(t, before);
    });
  }
}

t.test("RpcError [a number without a name] is UNKNOWN by name", async (t) => {
  t.match(new RpcError(42, "why"), { code: "ERR_CONSOLE_RPC", rpcCode: 42, rpcName: "UNKNOWN", details: "why" });
});
