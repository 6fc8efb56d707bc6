// Every number, size and signal that a function of console-init takes: what is refused, and what is not.
import { UnixSocket } from "cmsg";
import { openPty, type SpawnConsoleOptions, sendConsole, spawnConsole } from "console-init";
import { fakeRuntime } from "console-init/testing";
import t from "tap";
import {
  NO_ID,
  NO_POSITIVE,
  NO_SIGNAL,
  NO_SIGNAL_NUMBER,
  NO_SIZE,
  NO_TIME,
  type OptionCase,
  testOptions,
} from "../support/option-cases.js";

const RANGE = { inside: 0, outside: 100_000, count: 10 };
const SIZES = [
  { columns: 1, rows: 1 },
  { columns: 65_535, rows: 65_535 },
];

/** Its console goes nowhere, so it ends by itself. */
async function spawned(options: SpawnConsoleOptions, args?: string[], command = "true"): Promise<void> {
  const { socket, exited } = spawnConsole(command, args, options);
  socket.close();
  await exited;
}

async function sent(signal: AbortSignal): Promise<void> {
  const [ours, theirs] = UnixSocket.pair();
  try {
    await sendConsole(ours, 0, { signal });
  } finally {
    ours.close();
    theirs.close();
  }
}

const cases: OptionCase[] = [
  {
    ...{ name: "initialSize", of: "openPty", refused: NO_SIZE, accepted: SIZES },
    call: (initialSize) => openPty({ ptmx: "/dev/ptmx", initialSize })[Symbol.dispose](),
  },
  {
    ...{ name: "initialSize", of: "spawnConsole", refused: NO_SIZE, accepted: SIZES },
    call: (initialSize) => spawned({ initialSize }),
  },
  {
    ...{ name: "initialSize", of: "fakeRuntime", refused: NO_SIZE, accepted: [] },
    call: (initialSize) => fakeRuntime("/nowhere/at-all", { initialSize }),
  },
  {
    ...{ name: "owner", of: "openPty", refused: NO_ID, accepted: [0, 2 ** 32 - 2] },
    call: (owner) => openPty({ ptmx: "/dev/ptmx", owner })[Symbol.dispose](),
  },
  {
    ...{ name: "owner", of: "spawnConsole", refused: NO_ID, accepted: [0, 2 ** 32 - 2] },
    call: (owner) => spawned({ owner }),
  },
  ...["uid", "gid"].map((id) => ({
    ...{ name: `user.${id}`, of: "spawnConsole", refused: NO_ID, accepted: [0] },
    call: (value: number) => spawned({ user: { uid: 0, gid: 0, [id]: value } }),
  })),
  {
    ...{ name: "user", of: "spawnConsole", refused: [null, 5, "root"], accepted: [] },
    call: (user) => spawned({ user }),
  },
  ...["uid", "gid"].map((id) => ({
    ...{ name: `namespaces.user.${id}`, of: "spawnConsole", refused: NO_ID, accepted: [] },
    call: (value: number) => spawned({ namespaces: { user: { uid: 0, gid: 0, [id]: value } } }),
  })),
  ...["inside", "outside"].map((end) => ({
    ...{ name: `namespaces.user.uids.${end}`, of: "spawnConsole", refused: NO_ID, accepted: [] },
    call: (value: number) => spawned({ namespaces: { user: { uids: { ...RANGE, [end]: value }, gids: RANGE } } }),
  })),
  {
    ...{ name: "namespaces.user.gids.count", of: "spawnConsole", accepted: [] },
    refused: NO_POSITIVE.filter((value) => value !== 2 ** 31),
    call: (count) => spawned({ namespaces: { user: { uids: RANGE, gids: { ...RANGE, count } } } }),
  },
  {
    ...{ name: "join.pid", of: "spawnConsole", refused: NO_POSITIVE, accepted: [] },
    call: (pid) => spawned({ join: { pid } }),
  },
  {
    ...{ name: "timeoutMs", of: "spawnConsole", refused: NO_TIME },
    accepted: [1, 2 ** 31 - 1, Number.POSITIVE_INFINITY],
    call: (timeoutMs) => spawned({ timeoutMs }),
  },
  {
    ...{ name: "pdeathsig", of: "spawnConsole", refused: [...NO_SIGNAL_NUMBER, 0], accepted: ["SIGKILL", 1, 64] },
    call: (pdeathsig) => spawned({ pdeathsig }),
  },
  {
    ...{ name: "args", of: "spawnConsole", refused: ["a string", null, {}, [5], ["a\0b"]], accepted: [[]] },
    call: (args) => spawned({}, args),
  },
  {
    ...{ name: "command", of: "spawnConsole", refused: [5, null, {}, "a\0b"], accepted: [] },
    call: (command) => spawned({}, [], command),
  },
  {
    ...{ name: "signal", of: "sendConsole", refused: NO_SIGNAL, accepted: [undefined, AbortSignal.abort()] },
    call: sent,
  },
];

await spawned({});
testOptions(t, "ERR_INIT_INVALID_ARG", cases);

t.test("spawnConsole's kill [no signal] throws ERR_INIT_INVALID_ARG, whether it runs or not", async (t) => {
  const { kill, socket, exited } = spawnConsole("sleep", ["60"]);
  for (const signal of NO_SIGNAL_NUMBER) {
    const error = { code: "ERR_INIT_INVALID_ARG", message: /^Expected signal to be .* from 0 to 64; got / };
    t.throws(() => kill(signal as never), error, String(signal));
  }
  t.ok(kill(0));
  socket.close();
  await exited;
  t.throws(() => kill(65), { code: "ERR_INIT_INVALID_ARG" });
  t.notOk(kill("SIGTERM"));
});

t.test("spawnConsole [the longest time] is one that console-init takes", async (t) => {
  const { socket, exited } = spawnConsole("true", [], { timeoutMs: 2 ** 31 - 1 });
  using message = await socket.receive();
  t.equal(message?.fds.length, 1);
  t.strictSame(await exited, { code: 0, signal: null, stderr: "" });
  socket.close();
});
