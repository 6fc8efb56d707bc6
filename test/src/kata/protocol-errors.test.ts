// Other ends that do what an agent must not, or what a client has to bear: each call ends with a stable code, the
// connection goes with what broke it, and nothing stays open.
import { once } from "node:events";
import type { Socket } from "node:net";
import { connectAgent, RpcError } from "console-socket/kata";
import fc from "fast-check";
import t, { type Test } from "tap";
import { hybridFront, OK } from "../support/hybrid-front.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { connectedStreams, grpcFrame, httpAgent, Received, ttrpcFrame } from "../support/played-agent.js";
import { until } from "../support/until.js";

interface ErrorMatch {
  code: string;
  rpcCode?: number;
  rpcName?: string;
  details?: string | RegExp;
}

const PROTOCOL_ERROR = { code: "ERR_CONSOLE_RPC_PROTOCOL" };
const OK_RESPONSE = Buffer.from([0x12, 0x02, 0x08, 0x01]); // payload: HealthCheckResponse { status: 1 }

t.test("connectAgent [ttRPC over yamux, no protocol] rejects ERR_CONSOLE_INVALID_ARG", async (t) => {
  const code = "ERR_CONSOLE_INVALID_ARG";
  await t.rejects(connectAgent("/s", { protocol: "ttrpc", yamux: true }), { code, message: /with yamux\.$/ });
  await t.rejects(connectAgent("/s", {} as never), { code });
  await t.rejects(connectAgent("s", { protocol: "grpc" }), { code: "ERR_CONSOLE_ADDRESS" });
});

t.test("a call [bad options] rejects ERR_CONSOLE_INVALID_ARG, and nothing is sent", async (t) => {
  const [stream, other] = connectedStreams(t);
  const received = new Received(other);
  const { health, close } = await ttrpc(stream);
  for (const timeoutMs of [0, -1, 1.5, Number.NaN, 2 ** 31, "1" as never]) {
    await t.rejects(health.check({ timeoutMs }), { code: "ERR_CONSOLE_INVALID_ARG", message: /^timeoutMs is/ });
  }
  for (const name of ["", "Upper", ":path", "grpc-timeout", "te", "content-type", "x-bin", "a b"]) {
    await t.rejects(health.check({ metadata: { [name]: "v" } }), { code: "ERR_CONSOLE_INVALID_ARG" }, name);
  }
  for (const value of ["\n", "ü", "\0", 1 as never]) {
    await t.rejects(health.check({ metadata: { a: value } }), { code: "ERR_CONSOLE_INVALID_ARG" });
  }
  t.equal(received.bytes.length, 0);
  await close();
});

async function ttrpc(stream: ReturnType<typeof connectedStreams>[0]) {
  const client = await connectAgent(stream, { protocol: "ttrpc" });
  return { health: client.health, agent: client.agent, close: () => client.close() };
}

t.test("ttRPC: answers in another order, late ones, and those nobody asked for", async (t) => {
  const [stream, other] = connectedStreams(t);
  const { health, close } = await ttrpc(stream);
  const first = health.check();
  const aborted = health.check({ signal: AbortSignal.timeout(1) });
  const third = health.check();
  await t.rejects(aborted, { name: "TimeoutError" });
  const status = (n: number) => Buffer.from([0x12, 0x02, 0x08, n]);
  const ignored = [ttrpcFrame(3, status(9)), ttrpcFrame(77, Buffer.from("?")), ttrpcFrame(99, Buffer.alloc(0), 3)];
  other.write(Buffer.concat([ttrpcFrame(5, status(5)), ...ignored, ttrpcFrame(1, status(1))]));
  t.strictSame(await third, { status: 5 });
  t.strictSame(await first, { status: 1 });
  await close();
});

t.test("ttRPC: a status is an RpcError, made safe to show", async (t) => {
  const [stream, other] = connectedStreams(t);
  const { health, close } = await ttrpc(stream);
  const message = Buffer.from("no\x1b[2J!");
  const status = Buffer.concat([Buffer.from([0x08, 5, 0x12, message.length]), message]);
  const response = Buffer.concat([Buffer.from([0x0a, status.length]), status]);
  const failed = health.check();
  other.write(ttrpcFrame(1, response));
  await t.rejects(failed, { code: "ERR_CONSOLE_RPC", rpcCode: 5, rpcName: "NOT_FOUND", details: "no\u{fffd}[2J!" });
  const second = health.check();
  other.write(ttrpcFrame(3, OK_RESPONSE));
  t.strictSame(await second, { status: 1 }, "the connection goes on");
  await close();
});

const broken: [name: string, bytes: Buffer][] = [
  ["a message that is too long", Buffer.from([0, 0x40, 0, 1, 0, 0, 0, 1, 2, 0])],
  ["an even stream", ttrpcFrame(2, OK_RESPONSE)],
  ["stream 0", ttrpcFrame(0, OK_RESPONSE)],
  ["a request in place of an answer", ttrpcFrame(1, OK_RESPONSE, 1)],
  ["text", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
  ["a response that is no message", ttrpcFrame(1, Buffer.from([0x12, 0x7f]))],
  ["a field with the number 0", ttrpcFrame(1, Buffer.from([0x00, 0x01]))],
  ["a number that does not end", ttrpcFrame(1, Buffer.alloc(12, 0xff))],
  ["a group that ends as another", ttrpcFrame(1, Buffer.from([0x1b, 0x24]))],
  ["groups in groups", ttrpcFrame(1, Buffer.alloc(200, 0x1b))],
];
for (const [name, bytes] of broken) {
  t.test(`ttRPC [${name}] ends the connection, and all calls with it`, async (t) => {
    const before = openFds();
    const [stream, other] = connectedStreams(t);
    const { health, close } = await ttrpc(stream);
    const calls: Promise<unknown>[] = [health.check(), health.version()];
    other.write(bytes);
    for (const call of calls) await t.rejects(call, PROTOCOL_ERROR);
    await t.rejects(health.check(), PROTOCOL_ERROR, "and those to come");
    await close();
    other.destroy();
    await assertNoLeak(t, before);
  });
}

t.test("ttRPC [text in an answer that is not UTF-8] fails that call", async (t) => {
  const [stream, other] = connectedStreams(t);
  const { health, close } = await ttrpc(stream);
  const version = health.version();
  other.write(ttrpcFrame(1, Buffer.from([0x12, 0x03, 0x0a, 0x01, 0xff])));
  await t.rejects(version, { ...PROTOCOL_ERROR, message: /not UTF-8/ });
  await close();
});

t.test("ttRPC: whatever bytes an answer has, in whatever pieces, a call settles", async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.nat(), async (payload, cut) => {
      const [stream, other] = connectedStreams(t as Test);
      const { agent, close } = await ttrpc(stream);
      const call = agent.getGuestDetails({}).then(
        (details) => typeof details.memBlockSizeBytes,
        (error) => error.code,
      );
      const frame = ttrpcFrame(1, payload);
      const at = cut % frame.length;
      other.write(frame.subarray(0, at));
      await new Promise(setImmediate);
      other.write(frame.subarray(at));
      const outcome = await call;
      await close();
      other.destroy();
      return ["bigint", "ERR_CONSOLE_RPC_PROTOCOL", "ERR_CONSOLE_RPC"].includes(outcome);
    }),
    { numRuns: 300 },
  );
});

t.test("what is sent is what was given: any text, any bytes", async (t) => {
  const [stream, other] = connectedStreams(t);
  const received = new Received(other);
  const { agent, close } = await ttrpc(stream);
  let id = 1;
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme" }), fc.uint8Array({ maxLength: 300 }), async (containerId, data) => {
      const call = agent.writeStdin({ containerId, execId: "", data });
      const length = (await received.take(10)).readUInt32BE(0);
      const request = await received.take(length);
      // The same by hand.
      const message = Buffer.concat([field(1, Buffer.from(containerId)), field(3, Buffer.from(data))]);
      const named = ["grpc.AgentService", "WriteStdin"].map((name, index) => field(index + 1, Buffer.from(name)));
      const wanted = Buffer.concat([...named, field(3, message)]);
      other.write(ttrpcFrame(id, Buffer.from([0x12, 0x02, 0x08, 0x07])));
      id += 2;
      return (await call).len === 7 && request.equals(wanted);
    }),
    { numRuns: 200 },
  );
  await close();
});

function field(number: number, bytes: Buffer): Buffer {
  if (bytes.length === 0) return bytes;
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7];
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
}

type Answer = Parameters<typeof httpAgent>[1];
const HEADERS = { ":status": 200, "content-type": "application/grpc" };

function trailersAfter(body: Buffer, trailers: Record<string, string>): Answer {
  return (stream) => {
    stream.respond(HEADERS, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(body);
  };
}

const rpc = (rpcCode: number, rpcName: string, details?: string | RegExp): ErrorMatch => ({
  code: "ERR_CONSOLE_RPC",
  rpcCode,
  rpcName,
  ...(details !== undefined && { details }),
});

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
    const [stream, other] = connectedStreams(t);
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
    const [stream, other] = connectedStreams(t);
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
  const [stream, other] = connectedStreams(t);
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

t.test("yamux: opens one stream, answers pings, refuses streams, and passes over what is on them", async (t) => {
  const [stream, other] = connectedStreams(t);
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

t.test("RpcError [a number without a name] is UNKNOWN by name", async (t) => {
  t.match(new RpcError(42, "why"), { code: "ERR_CONSOLE_RPC", rpcCode: 42, rpcName: "UNKNOWN", details: "why" });
});
