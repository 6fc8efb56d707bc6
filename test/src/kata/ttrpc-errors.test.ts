// What a client of ttRPC refuses to send, and other ends that do what an agent must not or what a client has to bear: each
// call ends with a stable code, the connection goes with what broke it, and nothing stays open.
import { connectAgent } from "console-socket/kata";
import fc from "fast-check";
import t, { type Test } from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { Received, ttrpcFrame } from "../support/played-agent.js";
import { PROTOCOL_ERROR } from "../support/rpc-errors.js";
import { streamPair } from "../support/unix-streams.js";

const OK_RESPONSE = Buffer.from([0x12, 0x02, 0x08, 0x01]); // payload: HealthCheckResponse { status: 1 }

t.test("connectAgent [ttRPC over yamux, no protocol] rejects ERR_CONSOLE_INVALID_ARG", async (t) => {
  const code = "ERR_CONSOLE_INVALID_ARG";
  await t.rejects(connectAgent("/s", { protocol: "ttrpc", yamux: true }), { code, message: /with yamux\.$/ });
  await t.rejects(connectAgent("/s", {} as never), { code });
  await t.rejects(connectAgent("s", { protocol: "grpc" }), { code: "ERR_CONSOLE_ADDRESS" });
});

t.test("a call [bad options] rejects ERR_CONSOLE_INVALID_ARG, and nothing is sent", async (t) => {
  const [stream, other] = streamPair(t);
  const received = new Received(other);
  const { health, close } = await ttrpc(stream);
  for (const timeoutMs of [0, -1, 1.5, Number.NaN, 2 ** 31, "1" as never]) {
    await t.rejects(health.check({ timeoutMs }), {
      code: "ERR_CONSOLE_INVALID_ARG",
      message: /timeoutMs to be .* or Infinity/,
    });
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

async function ttrpc(stream: ReturnType<typeof streamPair>[0]) {
  const client = await connectAgent(stream, { protocol: "ttrpc" });
  return { health: client.health, agent: client.agent, close: () => client.close() };
}

t.test("ttRPC: answers in another order, late ones, and those nobody asked for", async (t) => {
  const [stream, other] = streamPair(t);
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
  const [stream, other] = streamPair(t);
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
    const [stream, other] = streamPair(t);
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
  const [stream, other] = streamPair(t);
  const { health, close } = await ttrpc(stream);
  const version = health.version();
  other.write(ttrpcFrame(1, Buffer.from([0x12, 0x03, 0x0a, 0x01, 0xff])));
  await t.rejects(version, { ...PROTOCOL_ERROR, message: /not UTF-8/ });
  await close();
});

t.test("ttRPC: whatever bytes an answer has, in whatever pieces, a call settles", async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.nat(), async (payload, cut) => {
      const [stream, other] = streamPair(t as Test);
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
  const [stream, other] = streamPair(t);
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
