// Control messages as bytes: what the C macros make, what Go's parser gives, and nothing else from any bytes at all.
import {
  CmsgError,
  cmsgAlign,
  cmsgLen,
  cmsgSpace,
  parseOneSocketControlMessage,
  parseSocketControlMessage,
  parseUnixCredentials,
  parseUnixRights,
  type SocketControlMessage,
  unixCredentials,
  unixRights,
} from "cmsg";
import fc from "fast-check";
import t, { type Test } from "tap";
import { fixture } from "../support/paths.js";
import { run } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";

const HEADER = cmsgLen(0);
const fds = fc.array(fc.nat({ max: 0x7fffffff }), { maxLength: 253 });
const id = fc.integer({ min: 0, max: 0xffffffff });
const credentials = fc.record({ pid: fc.integer({ min: 0, max: 0x7fffffff }), uid: id, gid: id });

async function compileWitness(t: Test): Promise<string> {
  const program = `${tempDir(t)}/witness`;
  const { status, stderr } = await run(t, "gcc", ["-Wall", "-Werror", "-o", program, fixture("cmsg-witness.c")]);
  t.equal(status, 0, stderr);
  return program;
}

t.test("the same bytes as the C macros make", { skip: needs("gcc") }, async (t) => {
  const witness = await compileWitness(t);
  const macros = (await run(t, witness, ["macros", "300"])).stdout.trim().split("\n");
  for (const [n, line] of macros.entries()) t.equal(`${cmsgAlign(n)} ${cmsgLen(n)} ${cmsgSpace(n)}`, line, `${n}`);
  const own = { pid: 4711, uid: 4_294_967_294, gid: 1000 };
  const cases: [string[], Buffer[]][] = [
    ...[[], [42], [1, 2], [3, 4, 5], Array.from({ length: 253 }, (_, i) => i)].map((numbers): [string[], Buffer[]] => [
      ["rights", ...numbers.map(String)],
      [unixRights(...numbers)],
    ]),
    [["credentials", "4711", "-2", "1000"], [unixCredentials(own)]],
    [
      ["credentials", "4711", "-2", "1000", "+", "rights", "7", "8", "9", "+", "rights", "1"],
      [unixCredentials(own), unixRights(7, 8, 9), unixRights(1)],
    ],
  ];
  for (const [args, messages] of cases) {
    const { stdout } = await run(t, witness, args);
    t.equal(Buffer.concat(messages).toString("hex"), stdout.trim(), args.join(" ").slice(0, 60));
  }
});

t.test("as in Go: round trips, several messages, one and all the same", (t) => {
  for (const numbers of [[], [42], [1, 2], [3, 4, 5]]) {
    const [message, ...others] = parseSocketControlMessage(unixRights(...numbers));
    t.strictSame(message && parseUnixRights(message), numbers);
    t.equal(others.length, 0);
  }
  const several = Buffer.concat([[42], [1, 2], [3, 4, 5]].map((numbers) => unixRights(...numbers)));
  const messages = parseSocketControlMessage(several);
  t.strictSame(messages.map(parseUnixRights), [[42], [1, 2], [3, 4, 5]]);
  const oneByOne: SocketControlMessage[] = [];
  let rest: Uint8Array = several;
  while (rest.length > 0) {
    const { remainder, ...message } = parseOneSocketControlMessage(rest);
    oneByOne.push(message);
    rest = remainder;
  }
  t.strictSame(oneByOne, messages);
  t.strictSame(parseSocketControlMessage(new Uint8Array()), []);
  t.end();
});

t.test("as in Go: a truncated tail", (t) => {
  const two = Buffer.concat([unixRights(1), unixRights(2, 3, 4)]);
  const first = cmsgSpace(4);
  // Cut in the second header: padding. Cut behind it: its length does not fit. Cut in its padding: it is whole.
  for (let length = first; length < first + HEADER; length++) {
    t.equal(parseSocketControlMessage(two.subarray(0, length)).length, 1);
  }
  for (let length = first + HEADER; length < first + cmsgLen(12); length++) {
    t.throws(() => parseSocketControlMessage(two.subarray(0, length)), { code: "ERR_CMSG_MALFORMED" });
  }
  t.equal(parseSocketControlMessage(two.subarray(0, first + cmsgLen(12))).length, 2);
  t.throws(() => parseOneSocketControlMessage(two.subarray(0, HEADER - 1)), { code: "ERR_CMSG_MALFORMED" });
  t.end();
});

t.test("what it is not is ERR_CMSG_MALFORMED; what no descriptor is, ERR_CMSG_INVALID_ARG", (t) => {
  const [rights] = parseSocketControlMessage(unixRights(1));
  const [creds] = parseSocketControlMessage(unixCredentials({ pid: 1, uid: 2, gid: 3 }));
  if (!rights || !creds) throw new Error("both were parsed");
  t.throws(() => parseUnixRights(creds), { code: "ERR_CMSG_MALFORMED", message: /SCM_RIGHTS.*type 2/ });
  t.throws(() => parseUnixCredentials(rights), { code: "ERR_CMSG_MALFORMED" });
  t.throws(() => parseUnixCredentials({ header: creds.header, data: creds.data.subarray(0, 8) }), {
    code: "ERR_CMSG_MALFORMED",
    message: /found 8/,
  });
  t.strictSame(parseUnixRights({ header: rights.header, data: Buffer.from([1, 0, 0, 0, 9]) }).length, 1);
  t.throws(() => unixRights(-1), { code: "ERR_CMSG_INVALID_ARG" });
  t.end();
});

t.test("property: what was made is what is parsed", (t) => {
  const message = fc.oneof(
    fds.map((numbers) => ({ bytes: unixRights(...numbers), value: numbers as unknown, parse: parseUnixRights })),
    credentials.map((each) => ({ bytes: unixCredentials(each), value: each as unknown, parse: parseUnixCredentials })),
  );
  fc.assert(
    fc.property(fc.array(message, { maxLength: 4 }), fc.nat({ max: 7 }), (made, offset) => {
      // At any alignment: a view into a larger buffer is no copy.
      const bytes = Buffer.concat([Buffer.alloc(offset), ...made.map(({ bytes }) => bytes)]).subarray(offset);
      const parsed = parseSocketControlMessage(bytes);
      const values = parsed.map((each, i) => made[i]?.parse(each as never));
      return JSON.stringify(values) === JSON.stringify(made.map(({ value }) => value));
    }),
    { numRuns: 200 },
  );
  t.end();
});

t.test("property: any bytes give messages that lie within them, or ERR_CMSG_MALFORMED", (t) => {
  // Random bytes have no plausible length; so lengths near the truth, and a flipped byte in a real message.
  const plausible = fc
    .tuple(fc.nat({ max: 80 }), fc.integer(), fc.integer(), fc.uint8Array({ maxLength: 64 }))
    .map(([length, level, type, data]) => {
      const header = Buffer.alloc(HEADER);
      header.writeUInt32LE(length, 0);
      header.writeInt32LE(level, HEADER - 8);
      header.writeInt32LE(type, HEADER - 4);
      return Buffer.concat([header, data]);
    });
  const flipped = fc.tuple(fds, fc.nat(), fc.nat({ max: 255 })).map(([numbers, at, byte]) => {
    const bytes = unixRights(...numbers);
    bytes[at % bytes.length] = byte;
    return bytes;
  });
  const anything = fc.oneof(fc.uint8Array({ maxLength: 200 }), plausible, flipped);
  let [parsed, refused] = [0, 0];
  fc.assert(
    fc.property(anything, (bytes) => {
      try {
        for (const { header, data } of parseSocketControlMessage(bytes)) {
          parsed++;
          if (data.length !== header.length - HEADER)
            throw new Error("the data has another length than the header says");
          if (data.byteOffset < bytes.byteOffset) throw new Error("before the bytes");
          if (data.byteOffset + data.length > bytes.byteOffset + bytes.length) throw new Error("behind the bytes");
        }
      } catch (error) {
        if (!(error instanceof CmsgError) || error.code !== "ERR_CMSG_MALFORMED") throw error;
        refused++;
      }
    }),
    { numRuns: 5000 },
  );
  t.ok(parsed > 100 && refused > 100, `${parsed} messages, ${refused} refusals`);
  t.end();
});
