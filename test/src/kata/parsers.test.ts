// Whatever a hypervisor or an agent sends, and whatever stands in an address: a value or an error with a code, never
// another error, never a wait without end. And in whatever pieces it comes, the outcome is that of one piece.
import { isDeepStrictEqual } from "node:util";
import { UnixSocket } from "cmsg";
import { connectAgent, parseAgentAddress } from "console-socket/kata";
import fc from "fast-check";
import t from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { cuts, FedConnection, inPieces, internal } from "../support/parsers.js";
import { ttrpcFrame } from "../support/played-agent.js";

const { agentAddressText } = await internal<
  typeof import("../../../packages/console-socket/src/kata/address/agent-address.js")
>("console-socket/dist/kata/address/agent-address.js");
const { readAnswer } = await internal<typeof import("../../../packages/console-socket/src/kata/dial/hybrid-vsock.js")>(
  "console-socket/dist/kata/dial/hybrid-vsock.js",
);
const { YamuxStream } = await internal<
  typeof import("../../../packages/console-socket/src/kata/rpc/yamux/yamux-stream.js")
>("console-socket/dist/kata/rpc/yamux/yamux-stream.js");
const { decode, encode } = await internal<
  typeof import("../../../packages/console-socket/src/kata/protobuf/message.js")
>("console-socket/dist/kata/protobuf/message.js");
const schemas = await internal<typeof import("../../../packages/console-socket/src/kata/protobuf/agent-schemas.js")>(
  "console-socket/dist/kata/protobuf/agent-schemas.js",
);
type Tables = import("../../../packages/console-socket/src/kata/protobuf/message.js").Tables;

/** What an async function came to: its value, or its error's code. */
async function outcomeOf<Value>(promise: Promise<Value>): Promise<{ value: Value } | { code: string }> {
  try {
    return { value: await promise };
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

t.test("parseAgentAddress: any text is an address that can be written again, or ERR_CONSOLE_ADDRESS", (t) => {
  const scheme = fc.constantFrom("", "unix:", "UNIX://", "vsock://", "hvsock://", "remote://", "mock://", "x:");
  const rest = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("/run/vc/vm.sock", "///run/a:1024", "3:1024", "4294967295:0", "4294967296:1", "/run/vm.sock:1024"),
    fc.stringMatching(/^\/{0,3}[a-z%?#.\n]{0,4}\/[a-z]{0,4}(:[0-9]{0,11}){0,2}$/),
    fc.stringMatching(/^([0-9]{1,11}|[a-z:]{0,3}):[0-9]{0,11}$/),
  );
  const dialect = fc.constantFrom("go1", "go2", "rust" as const);
  const seen = { addresses: 0, refusals: 0 };
  fc.assert(
    fc.property(scheme, rest, dialect as fc.Arbitrary<"go1" | "go2" | "rust">, (scheme, rest, dialect) => {
      let address: ReturnType<typeof parseAgentAddress>;
      try {
        address = parseAgentAddress(scheme + rest, { dialect });
      } catch (error) {
        seen.refusals++;
        return (error as NodeJS.ErrnoException).code === "ERR_CONSOLE_ADDRESS";
      }
      seen.addresses++;
      if ("path" in address && !/^\/[^\0]*[^/]$/.test(address.path)) return false;
      return isDeepStrictEqual(parseAgentAddress(agentAddressText(address)), address);
    }),
    { numRuns: 5000 },
  );
  t.ok(seen.addresses > 100 && seen.refusals > 200, JSON.stringify(seen));
  t.end();
});

// Near a message: fields with small numbers and all wire types, and lengths near the truth.
const field = fc
  .tuple(fc.nat({ max: 20 }), fc.nat({ max: 7 }), fc.uint8Array({ maxLength: 12 }), fc.integer({ min: -1, max: 1 }))
  .map(([number, type, bytes, more]) => {
    const length = type === 2 ? [Math.max(0, bytes.length + more)] : [];
    return Buffer.from([(number << 3) | type, ...length, ...bytes].map((byte) => byte & 0xff));
  });
const message = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.array(field, { maxLength: 6 }).map((fields) => Buffer.concat(fields)),
);

t.test("decode: any bytes are a message that encodes to itself, or ERR_CONSOLE_RPC_PROTOCOL", (t) => {
  const tables: [string, Tables][] = [schemas.RESPONSES, schemas.REQUESTS_1, schemas.REQUESTS_2].flatMap((group) =>
    Object.entries(group as unknown as Record<string, Tables>),
  );
  const seen = { messages: 0, refusals: 0 };
  fc.assert(
    fc.property(fc.constantFrom(...tables), message, ([, schema], bytes) => {
      let decoded: object;
      try {
        decoded = decode(schema as never, bytes);
      } catch (error) {
        seen.refusals++;
        return (error as NodeJS.ErrnoException).code === "ERR_CONSOLE_RPC_PROTOCOL";
      }
      seen.messages++;
      return isDeepStrictEqual(decode(schema as never, encode(schema, decoded)), decoded);
    }),
    { numRuns: 10_000 },
  );
  t.ok(seen.messages > 500 && seen.refusals > 500, JSON.stringify(seen));
  t.end();
});

t.test("readAnswer: any answer of a hypervisor in any pieces is what it is in one", async (t) => {
  const before = openFds();
  const answer = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.stringMatching(/^OK [0-9]{1,30}\n?[ -~]{0,40}$/).map((text) => Buffer.from(text)),
    fc.stringMatching(/^(OK|ok|OK {2}|ERR) ?[0-9a]{0,3}\n[ -~]{0,9}$/).map((text) => Buffer.from(text)),
  );
  const seen: Record<string, number> = {};
  const ask = async (pieces: Buffer[]) => {
    const [socket, hypervisor] = UnixSocket.pair("stream");
    try {
      const answered = outcomeOf(readAnswer(socket, undefined));
      for (const piece of pieces) {
        if (piece.length > 0) await hypervisor.send(piece);
        await new Promise(setImmediate);
      }
      hypervisor.close();
      const outcome = await answered;
      if ("code" in outcome) return outcome;
      // What the guest sends behind the line is either taken along or still there.
      const behind = [outcome.value.rest];
      for await (const { data } of socket) behind.push(Buffer.from(data));
      return { hostPort: outcome.value.hostPort, rest: Buffer.concat(behind).toString("latin1") };
    } finally {
      socket.close();
      hypervisor.close();
    }
  };
  await fc.assert(
    fc.asyncProperty(answer, cuts, async (bytes, at) => {
      const outcome = await ask([Buffer.from(bytes)]);
      const kind = "code" in outcome ? outcome.code : "answer";
      seen[kind] = (seen[kind] ?? 0) + 1;
      return isDeepStrictEqual(await ask(inPieces(bytes, at)), outcome);
    }),
    { numRuns: 1000 },
  );
  const { answer: answers = 0, ERR_CONSOLE_HANDSHAKE = 0, ERR_CONSOLE_NO_LISTENER = 0, ...others } = seen;
  t.ok(answers > 50 && ERR_CONSOLE_HANDSHAKE > 50 && ERR_CONSOLE_NO_LISTENER > 0, JSON.stringify(seen));
  t.strictSame(others, {});
  await assertNoLeak(t, before);
});

/** One value mostly, and sometimes another. */
const often = <Value>(usual: Value, ...others: Value[]) =>
  fc.oneof({ arbitrary: fc.constant(usual), weight: 9 }, { arbitrary: fc.constantFrom(...others), weight: 1 });

// Frames of yamux, mostly right, with and without all of their data, and noise.
const yamuxFrame = fc
  .record({
    version: often(0, 1),
    type: often(0, 1, 1, 2, 2, 3, 4),
    flags: often(0, 1, 2, 4, 8, 15, 0xffff),
    stream: often(1, 0, 2),
    length: often(undefined, 0, 1, 70_000, 0x40000, 0xffff_ffff),
    data: fc.uint8Array({ maxLength: 20 }),
  })
  .map(({ version, type, flags, stream, length, data }) => {
    const header = Buffer.alloc(12);
    header.writeUInt8(version, 0);
    header.writeUInt8(type, 1);
    header.writeUInt16BE(flags, 2);
    header.writeUInt32BE(stream, 4);
    header.writeUInt32BE(length ?? (type === 0 ? data.length : 0), 8);
    return type === 0 ? Buffer.concat([header, data]) : header;
  });
const FIN = Buffer.from([0, 1, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0]);
const yamuxBytes = fc.oneof(
  fc
    .tuple(fc.array(yamuxFrame, { maxLength: 8 }), fc.boolean())
    .map(([frames, ended]) => Buffer.concat(ended ? [...frames, FIN] : frames)),
  fc.uint8Array({ maxLength: 40 }),
);

t.test("yamux: any bytes in any pieces give the same data, end and error as in one", async (t) => {
  const seen: Record<string, number> = {};
  const receive = async (pieces: Buffer[]) => {
    const connection = new FedConnection();
    const stream = new YamuxStream(connection);
    const chunks: Buffer[] = [];
    const result = { data: "", ended: false, code: "" };
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      result.ended = true;
    });
    stream.on("error", (error: NodeJS.ErrnoException) => {
      result.code = error.code ?? String(error);
    });
    const closed = new Promise((resolve) => stream.once("close", resolve));
    await connection.feed(pieces);
    await closed;
    return { ...result, data: Buffer.concat(chunks).toString("hex") };
  };
  await fc.assert(
    fc.asyncProperty(yamuxBytes, cuts, async (bytes, at) => {
      const outcome = await receive([Buffer.from(bytes)]);
      for (const kind of [outcome.code, outcome.data && "data", outcome.ended && "end"])
        if (kind) seen[kind] = (seen[kind] ?? 0) + 1;
      return isDeepStrictEqual(await receive(inPieces(bytes, at)), outcome);
    }),
    { numRuns: 1000 },
  );
  const { data = 0, end = 0, ERR_CONSOLE_RPC = 0, ERR_CONSOLE_RPC_PROTOCOL = 0, ...others } = seen;
  t.ok(data > 50 && end > 20 && ERR_CONSOLE_RPC > 50 && ERR_CONSOLE_RPC_PROTOCOL > 50, JSON.stringify(seen));
  t.strictSame(others, {});
});

t.test("ttRPC: any frames in any pieces settle a call as those in one do", async (t) => {
  const frame = fc
    .tuple(often(1, 3, 2, 0), often(2, 1, 3), fc.oneof(message, fc.constant(Buffer.from([0x12, 2, 8, 1]))))
    .map(([stream, type, bytes]) => ttrpcFrame(stream, bytes, type));
  const frames = fc.oneof(
    fc.array(frame, { maxLength: 4 }).map((each) => Buffer.concat(each)),
    fc.uint8Array({ maxLength: 40 }),
  );
  const seen: Record<string, number> = {};
  const call = async (pieces: Buffer[]) => {
    const connection = new FedConnection();
    const client = await connectAgent(connection, { protocol: "ttrpc" });
    const outcome = outcomeOf(client.agent.getGuestDetails({}));
    await connection.feed(pieces);
    const settled = await outcome;
    await client.close();
    return settled;
  };
  await fc.assert(
    fc.asyncProperty(frames, cuts, async (bytes, at) => {
      const outcome = await call([Buffer.from(bytes)]);
      const kind = "code" in outcome ? outcome.code : "answer";
      seen[kind] = (seen[kind] ?? 0) + 1;
      return isDeepStrictEqual(await call(inPieces(bytes, at)), outcome);
    }),
    { numRuns: 1000 },
  );
  const { answer = 0, ERR_CONSOLE_RPC = 0, ERR_CONSOLE_RPC_PROTOCOL = 0, ...others } = seen;
  t.ok(answer > 20 && ERR_CONSOLE_RPC > 20 && ERR_CONSOLE_RPC_PROTOCOL > 20, JSON.stringify(seen));
  t.strictSame(others, {});
});
