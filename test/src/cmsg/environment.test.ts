// What a service manager's variables can say: a value or an error with a code, whatever stands in them.
import { listenFds, notify, watchdogTimeoutMs } from "cmsg/systemd";
import fc from "fast-check";
import t, { type Test } from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";

// What an environment can hold.
const text = fc.string({ unit: "grapheme-ascii", maxLength: 12 });
const number = fc.oneof(fc.nat({ max: 10 }), fc.nat(), fc.bigInt({ min: 0n, max: 10n ** 19n })).map(String);

/** Sets the variables for the time of `use`; undefined: not there. */
function withEnvironment<Result>(variables: Record<string, string | undefined>, use: () => Result): Result {
  const before = { ...process.env };
  try {
    for (const [name, value] of Object.entries(variables)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    return use();
  } finally {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

function counts(t: Test, seen: Record<string, number>, wanted: string[]): void {
  t.strictSame(Object.keys(seen).sort(), [...wanted].sort());
  for (const kind of wanted) t.ok((seen[kind] ?? 0) > 20, `${kind}: ${seen[kind]}`);
}

t.test("listenFds: any variables are none, or ERR_CMSG_LISTEN_FDS", async (t) => {
  const before = openFds();
  const own = fc.constant(String(process.pid));
  const variables = fc.record({
    LISTEN_PID: fc.option(fc.oneof(own, own, text, number), { nil: undefined }),
    // Never so few that all of them are open: they would be this process's own.
    LISTEN_FDS: fc.option(
      fc.oneof(
        text.filter((count) => !/^\d{1,5}$/.test(count)),
        fc.integer({ min: 100_000, max: 999_999_999 }).map(String),
        fc.constant("-1"),
      ),
      {
        nil: undefined,
      },
    ),
    LISTEN_FDNAMES: fc.option(text, { nil: undefined }),
  });
  const seen: Record<string, number> = {};
  fc.assert(
    fc.property(variables, (variables) => {
      const kind = withEnvironment(variables, () => {
        try {
          return `${listenFds({ unsetEnvironment: false }).length}`;
        } catch (error) {
          return codeOf(error) ?? String(error);
        }
      });
      seen[kind] = (seen[kind] ?? 0) + 1;
    }),
    { numRuns: 1000 },
  );
  counts(t, seen, ["0", "ERR_CMSG_LISTEN_FDS"]);
  await assertNoLeak(t, before);
});

t.test("watchdogTimeoutMs: any variables are a time, nobody's, or ERR_CMSG_NOTIFY", (t) => {
  const own = fc.constant(String(process.pid));
  const variables = fc.record({
    WATCHDOG_USEC: fc.option(fc.oneof(number, number, text), { nil: undefined }),
    WATCHDOG_PID: fc.option(fc.oneof(own, number, text), { nil: undefined }),
  });
  const seen: Record<string, number> = {};
  fc.assert(
    fc.property(variables, (variables) => {
      const kind = withEnvironment(variables, () => {
        try {
          const timeout = watchdogTimeoutMs();
          return timeout === undefined ? "nobody" : timeout > 0 ? "time" : String(timeout);
        } catch (error) {
          return codeOf(error) ?? String(error);
        }
      });
      seen[kind] = (seen[kind] ?? 0) + 1;
    }),
    { numRuns: 1000 },
  );
  counts(t, seen, ["nobody", "time", "ERR_CMSG_NOTIFY"]);
  t.end();
});

t.test("notify: any NOTIFY_SOCKET at which nobody receives rejects with a code", async (t) => {
  const before = openFds();
  const address = fc.oneof(
    text,
    text.map((name) => `@nobody-${process.pid}${name}`),
    text.map((name) => `/nowhere/${name}`),
  );
  const long = fc.constantFrom("/", "@").map((first) => first + "x".repeat(200));
  const seen: Record<string, number> = {};
  await fc.assert(
    fc.asyncProperty(fc.oneof(address, long), async (address) => {
      const kind = await withEnvironment({ NOTIFY_SOCKET: address }, () => notify({ ready: true })).then(
        () => "told",
        (error) => codeOf(error) ?? String(error),
      );
      seen[kind] = (seen[kind] ?? 0) + 1;
    }),
    { numRuns: 500 },
  );
  counts(t, seen, ["ERR_CMSG_NOTIFY", "ERR_CMSG_INVALID_ARG"]);
  await assertNoLeak(t, before);
});
