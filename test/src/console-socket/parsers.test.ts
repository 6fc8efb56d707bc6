// Whatever is typed, shown, written on a command line or told by the keeper: a value or an error of its kind, never
// another error, never a wait without end. And in whatever pieces it comes, the outcome is that of one piece.
import { Readable, type Transform } from "node:stream";
import { finished } from "node:stream/promises";
import { StringDecoder } from "node:string_decoder";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import t from "tap";
import { cuts, inPieces, internal } from "../support/parsers.js";

const { DetachKeys, parseDetachKeys } = await internal<
  typeof import("../../../packages/console-socket/src/attach/detach-keys.js")
>("console-socket/dist/attach/detach-keys.js");
const { RecordReader, record } = await internal<
  typeof import("../../../packages/console-socket/src/launch/keeper-records.js")
>("console-socket/dist/launch/keeper-records.js");
const { parseCommandLine } = await internal<typeof import("../../../packages/console-socket/src/cli/command-line.js")>(
  "console-socket/dist/cli/command-line.js",
);
const { UsageError } = await internal<typeof import("../../../packages/console-socket/src/cli/arguments.js")>(
  "console-socket/dist/cli/arguments.js",
);
const { OPTIONS } = await internal<typeof import("../../../packages/console-socket/src/cli/page.js")>(
  "console-socket/dist/cli/page.js",
);
const { safeName } = await internal<typeof import("../../../packages/console-socket/src/console/safe-text.js")>(
  "console-socket/dist/console/safe-text.js",
);
const { ConsoleLog } = await internal<typeof import("../../../packages/console-socket/src/record/console-log.js")>(
  "console-socket/dist/record/console-log.js",
);
const { Asciicast } = await internal<typeof import("../../../packages/console-socket/src/record/asciicast.js")>(
  "console-socket/dist/record/asciicast.js",
);

/** All that `transform` makes of `pieces`. */
async function through(transform: Transform, pieces: Buffer[]): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of Readable.from(pieces).pipe(transform)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("latin1");
}

t.test("parseDetachKeys: any text is keys, or ERR_CONSOLE_INVALID_ARG", (t) => {
  const key = fc.oneof(
    fc.string({ unit: "binary", maxLength: 3 }),
    fc.stringMatching(/^(ctrl-|CTRL-)[a-zA-Z@[\\\]^_]$/),
  );
  let [keys, refused] = [0, 0];
  fc.assert(
    fc.property(fc.array(key, { minLength: 1, maxLength: 3 }), (each) => {
      try {
        if (parseDetachKeys(each.join(",")).length === 0) return false;
        keys++;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ERR_CONSOLE_INVALID_ARG") throw error;
        refused++;
      }
      return true;
    }),
    { numRuns: 3000 },
  );
  t.ok(keys > 100 && refused > 100, `${keys}, ${refused}`);
  t.end();
});

t.test("DetachKeys: what is typed in any pieces, read at once or late, detaches where it does in one", async (t) => {
  // Few different keys, so that beginnings of the sequence are frequent; and pastes, which fill the buffers.
  const keys = fc.array(fc.constantFrom(..."aab"), { minLength: 1, maxLength: 3 });
  const piece = fc.constantFrom("a", "a", "a", "b", "aa", "ab", "ba", "c".repeat(6000), "c".repeat(6000));
  const asBytes = (text: string[]) => Buffer.from(text.join(""));
  const seen = { detached: 0, not: 0 };
  await fc.assert(
    fc.asyncProperty(
      keys.map(asBytes),
      fc.array(piece, { maxLength: 12 }),
      fc.boolean(),
      async (keys, pieces, late) => {
        const typed = asBytes(pieces);
        const found = typed.indexOf(keys);
        seen[found === -1 ? "not" : "detached"]++;
        const wanted =
          found === -1 ? [typed, undefined] : [typed.subarray(0, found), typed.subarray(found + keys.length)];
        const stdin = new Readable({ read() {} });
        for (const piece of [...pieces, null]) stdin.push(piece);
        let detached = false;
        const filter = new DetachKeys(keys, (rest) => {
          detached = true;
          stdin.unpipe(filter).pause();
          if (rest.length > 0) stdin.unshift(rest);
        });
        const passed: Buffer[] = [];
        stdin.pipe(filter);
        // Nobody reads at first: what is typed waits in the filter.
        if (late) await new Promise(setImmediate);
        filter.on("data", (chunk: Buffer) => passed.push(chunk));
        await finished(filter, { writable: false });
        const behind = detached ? Buffer.concat(await stdin.toArray()) : undefined;
        return isDeepStrictEqual([Buffer.concat(passed), behind].map(String), wanted.map(String));
      },
    ),
    { numRuns: 1000 },
  );
  t.ok(seen.detached > 200 && seen.not > 200, JSON.stringify(seen));
});

t.test("RecordReader: any bytes of a keeper in any pieces give the same output and records, or the same error", (t) => {
  const one = fc
    .tuple(
      fc.constantFrom(65, 65, 65, 66, 73, 82, 0, 999),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.uint8Array({ maxLength: 20 }),
    )
    .map(([kind, value, payload]) => record(kind, value, payload));
  const bytes = fc.oneof(
    fc.array(one, { maxLength: 6 }).map((records) => Buffer.concat(records)),
    fc.uint8Array({ minLength: 16, maxLength: 40 }),
  );
  const seen = { records: 0, refusals: 0 };
  const read = (pieces: Buffer[]) => {
    const told: unknown[] = [];
    let output = Buffer.alloc(0);
    const reader = new RecordReader({
      output: (piece) => {
        output = Buffer.concat([output, piece]);
      },
      record: (...record) => told.push(output.toString("latin1"), record.map(String)),
    });
    try {
      for (const piece of pieces) reader.feed(piece);
    } catch (error) {
      if (!/sent a record of \d+ bytes/.test(String(error))) throw error;
      told.push("refused");
    }
    return [...told, output.toString("latin1")];
  };
  fc.assert(
    fc.property(bytes, cuts, (bytes, at) => {
      const told = read([Buffer.from(bytes)]);
      seen[told.includes("refused") ? "refusals" : "records"]++;
      return isDeepStrictEqual(read(inPieces(bytes, at)), told);
    }),
    { numRuns: 3000 },
  );
  t.ok(seen.records > 200 && seen.refusals > 200, JSON.stringify(seen));
  t.end();
});

t.test("parseCommandLine: any arguments are a request, or a UsageError of one line", (t) => {
  const name = fc.constantFrom(...OPTIONS.flatMap(({ name, short }) => [`--${name}`, ...(short ? [`-${short}`] : [])]));
  const value = fc.oneof(
    fc.constantFrom("", "100x30", "0x0", "99999x1", "1.5", "0", "single", "null", "raw", "cri", "grpc", "4294967295"),
    fc.string({ unit: "binary", maxLength: 6 }),
  );
  const argument = fc.oneof(
    name,
    fc.tuple(name, value).map(([name, value]) => `${name}=${value}`),
    value,
    fc.constantFrom("--", "-", "--no-", "--no-size", "-m", "-hV"),
  );
  const first = fc.constantFrom([], ["run"], ["kata"], ["receive"]);
  const seen: Record<string, number> = {};
  fc.assert(
    fc.property(first, fc.array(argument, { maxLength: 5 }), fc.boolean(), (first, rest, command) => {
      try {
        const request = parseCommandLine([...first, ...rest, ...(command ? ["--", "x"] : [])]);
        const kind = "show" in request ? request.show : request.command.description.name;
        seen[kind] = (seen[kind] ?? 0) + 1;
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal would obey
        if (/[\0-\x1f\x7f]/.test(error.message))
          throw new Error("more than a line, or a control character", { cause: error });
        seen["refused"] = (seen["refused"] ?? 0) + 1;
      }
    }),
    { numRuns: 10_000 },
  );
  for (const kind of ["run", "kata", "receive", "help", "version", "refused"]) t.ok((seen[kind] ?? 0) > 20, kind);
  t.end();
});

t.test("safeName: any bytes are text that a terminal shows and does not obey", (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(safeName(bytes))),
    { numRuns: 2000 },
  );
  t.end();
});

t.test("ConsoleLog: output in any pieces is the same lines as in one", async () => {
  const shown = fc
    .array(fc.constantFrom("a", "b", "\n", "\r\n", "\x1b", "ü"), { maxLength: 40 })
    .map((each) => each.join(""));
  await fc.assert(
    fc.asyncProperty(shown, cuts, fc.integer({ min: 1, max: 6 }), async (shown, at, maxLineBytes) => {
      const lines = async (pieces: Buffer[]) =>
        (await through(new ConsoleLog({ format: "cri", maxLineBytes }), pieces)).replaceAll(/^\S+ stdout/gm, "stdout");
      const bytes = Buffer.from(shown);
      const whole = await lines([bytes]);
      // And they say what was shown: a part goes on in the next line.
      const told = whole.replaceAll(/^stdout P ([^\n]*)\n/gm, "$1").replaceAll("stdout F ", "");
      const closed = shown === "" || shown.endsWith("\n") ? shown : `${shown}\n`;
      return (
        isDeepStrictEqual(await lines(inPieces(bytes, at)), whole) && told === Buffer.from(closed).toString("latin1")
      );
    }),
    { numRuns: 500 },
  );
});

t.test("Asciicast: output in any pieces is the same text, and each line is JSON", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), cuts, async (bytes, at) => {
      const text = await through(new Asciicast({ initialSize: { columns: 80, rows: 24 } }), inPieces(bytes, at));
      const [header, ...events] = Buffer.from(text, "latin1")
        .toString()
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
      const decoder = new StringDecoder("utf8");
      const wanted = decoder.write(Buffer.from(bytes)) + decoder.end();
      return header.version === 3 && events.map(([, , text]: string[]) => text).join("") === wanted;
    }),
    { numRuns: 500 },
  );
});
