// Every number, size, signal and callback that a function of console-socket takes: what is refused, and what is not.
import { Duplex, PassThrough } from "node:stream";
import { OwnedFd, UnixSocket } from "cmsg";
import { native } from "cmsg-native";
import { openPty } from "console-init";
import { Asciicast, asPty, attach, ConsoleLog, launch, listen, PtyConsole, receiveConsole } from "console-socket";
import {
  connectAgent,
  dial,
  openAgentConsole,
  openDebugConsole,
  parseAgentAddress,
  passFd,
  sandboxAgentUrl,
} from "console-socket/kata";
import t from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import {
  NO_CELLS,
  NO_COUNT,
  NO_FUNCTION,
  NO_ID,
  NO_POSITIVE,
  NO_SIGNAL,
  NO_SIZE,
  NO_TIME,
  NO_U32,
  type OptionCase,
  testOptions,
} from "../support/option-cases.js";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";

const { POSITIVE_INFINITY } = Number;
const TIMES = [1, 2 ** 31 - 1, POSITIVE_INFINITY];
const CELLS = [1, 65_535];
const SIZES = [
  { columns: 1, rows: 1 },
  { columns: 65_535, rows: 65_535 },
];
// What fails before anything is waited for.
const aborted = AbortSignal.abort(new Error("aborted"));
const nobody = `${tempDir(t)}/nobody`;

function withPty(use: (terminal: PtyConsole) => unknown): unknown {
  const { ptmx, peer } = openPty({ ptmx: "/dev/ptmx" });
  const terminal = PtyConsole.fromFd(ptmx);
  try {
    return use(terminal);
  } finally {
    terminal.destroy();
    peer.close();
  }
}

function fromFd(options: object): void {
  const { ptmx, peer } = openPty({ ptmx: "/dev/ptmx" });
  try {
    PtyConsole.fromFd(ptmx, options).destroy();
  } finally {
    if (!ptmx.closed) ptmx.close();
    peer.close();
  }
}

function received(options: object): Promise<unknown> {
  const [ours, theirs] = UnixSocket.pair();
  theirs.close();
  return receiveConsole(ours, options);
}

async function listening(options: object): Promise<void> {
  (await listen(undefined, options)).close();
}

/** A console without a terminal, for attach. */
function attached(options: object): Promise<unknown> {
  return withPty((terminal) =>
    attach(terminal, { stdin: null, stdout: new PassThrough(), ...options }),
  ) as Promise<unknown>;
}

/** A client whose agent never answers. */
async function onClient(use: (client: Awaited<ReturnType<typeof connectAgent>>) => Promise<unknown>): Promise<void> {
  const silent = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  const client = await connectAgent(silent, { protocol: "ttrpc" });
  try {
    const waiting = new Promise((resolve) => setImmediate(resolve));
    await Promise.race([use(client), waiting]);
  } finally {
    await client.close();
  }
}

const signals: Record<string, (signal: AbortSignal) => unknown> = {
  receiveConsole: (signal) => received({ signal }),
  accept: async (signal) => {
    using listener = await listen();
    await listener.accept({ signal: signal === undefined ? aborted : signal });
  },
  launch: (signal) => launch(["false", "{}"], { signal: signal === undefined ? aborted : signal }),
  dial: (signal) => dial(nobody, { signal, timeoutMs: 1 }),
  connectAgent: (signal) => connectAgent(nobody, { protocol: "grpc", signal, timeoutMs: 1 }),
  openDebugConsole: (signal) => openDebugConsole(nobody, { signal, timeoutMs: 1 }),
  sandboxAgentUrl: (signal) => sandboxAgentUrl("box", { signal, root: nobody }),
  passFd: (signal) => passFd(nobody, 1027, 0, { signal }),
  "an agent's call": (signal) => onClient((client) => client.health.check({ signal })),
};

const times: Record<string, [name: string, call: (timeoutMs: number) => unknown]> = {
  receiveConsole: ["silentPeerTimeoutMs", (silentPeerTimeoutMs) => received({ silentPeerTimeoutMs })],
  listen: ["silentPeerTimeoutMs", (silentPeerTimeoutMs) => listening({ silentPeerTimeoutMs })],
  launch: ["timeoutMs", (timeoutMs) => launch(["false", "{}"], { timeoutMs, signal: aborted })],
  dial: ["timeoutMs", (timeoutMs) => dial(nobody, { timeoutMs, signal: aborted })],
  openDebugConsole: ["timeoutMs", (timeoutMs) => openDebugConsole(nobody, { timeoutMs, signal: aborted })],
  sandboxAgentUrl: ["timeoutMs", (timeoutMs) => sandboxAgentUrl("box", { timeoutMs, root: nobody })],
  connectAgent: ["timeoutMs", (timeoutMs) => connectAgent(nobody, { protocol: "grpc", timeoutMs, signal: aborted })],
  "an agent's call": ["timeoutMs", (timeoutMs) => onClient((client) => client.health.check({ timeoutMs }))],
};

const sizes: Record<string, [name: string, call: (size: never) => unknown]> = {
  receiveConsole: ["initialSize", (initialSize) => received({ initialSize })],
  listen: ["initialSize", (initialSize) => listening({ initialSize })],
  launch: ["initialSize", (initialSize) => launch(["false", "{}"], { initialSize, signal: aborted })],
  fromFd: ["initialSize", (initialSize) => fromFd({ initialSize })],
  openAgentConsole: [
    "initialSize",
    (initialSize) => onClient((client) => openAgentConsole(client, { containerId: "box", initialSize })),
  ],
  openDebugConsole: ["initialSize", (initialSize) => openDebugConsole(nobody, { initialSize, signal: aborted })],
};

const newlines: Record<string, (onlcr: never) => unknown> = {
  receiveConsole: (onlcr) => received({ onlcr }),
  listen: (onlcr) => listening({ onlcr }),
  launch: (onlcr) => launch(["false", "{}"], { onlcr, signal: aborted }),
  fromFd: (onlcr) => fromFd({ onlcr }),
};

const cases: OptionCase[] = [
  ...Object.entries(signals).map(([of, call]) => ({
    ...{ name: "signal", of, call, refused: NO_SIGNAL, accepted: [undefined, aborted] },
  })),
  ...Object.entries(times).map(([of, [name, call]]) => ({
    ...{ name, of, call, refused: NO_TIME, accepted: TIMES },
  })),
  ...Object.entries(sizes).map(([of, [name, call]]) => ({
    ...{ name, of, call, refused: NO_SIZE, accepted: SIZES },
  })),
  ...Object.entries(newlines).map(([of, call]) => ({
    ...{ name: "onlcr", of, call, refused: [0, 1, "true", null], accepted: [undefined, true, false] },
  })),
  {
    ...{ name: "drainTimeoutMs", of: "endAfter", accepted: [0, ...TIMES] },
    refused: NO_TIME.filter((value) => value !== 0),
    call: (drainTimeoutMs) => withPty((terminal) => terminal.endAfter(Promise.resolve(), { drainTimeoutMs })),
  },
  {
    ...{ name: "exited", of: "endAfter", accepted: [Promise.resolve()], refused: NO_COUNT },
    call: (exited) => withPty((terminal) => terminal.endAfter(exited)),
  },
  {
    ...{ name: "fd", of: "fromFd", accepted: [0], refused: NO_COUNT },
    call: (fd) => PtyConsole.fromFd(fd),
  },
  ...(["columns", "rows"] as const).map((name) => ({
    ...{ name, of: "PtyConsole.resize", refused: NO_CELLS, accepted: CELLS },
    call: (cells: number) =>
      withPty((terminal) => (name === "columns" ? terminal.resize(cells, 24) : terminal.resize(80, cells))),
  })),
  {
    ...{ name: "columns", of: "AgentConsole.resize", refused: NO_CELLS, accepted: CELLS },
    call: (columns) =>
      onClient(async (client) => (await openAgentConsole(client, { containerId: "box" })).resize(columns, 24)),
  },
  {
    ...{ name: "onHangup", of: "fromFd", refused: [null, "", "never", 1], accepted: ["end", "wait"] },
    call: (onHangup) => fromFd({ onHangup }),
  },
  {
    ...{ name: "maxPending", of: "listen", refused: NO_POSITIVE, accepted: [1, 2 ** 31 - 1] },
    call: (maxPending) => listening({ maxPending }),
  },
  {
    ...{ name: "allowUids", of: "listen", accepted: ["any", [], [0, 2 ** 32 - 2]] },
    refused: [null, 0, "0", {}, ...NO_ID.map((uid) => [1000, uid])],
    call: (allowUids) => listening({ allowUids }),
  },
  {
    ...{ name: "argv", of: "launch", accepted: [["false", "{}"]] },
    refused: ["a string", null, undefined, 5, {}, [], [""], ["false", 5], ["false", null], ["a\0b", "{}"]],
    call: (argv) => launch(argv, { signal: aborted }),
  },
  {
    ...{ name: "detachKeys", of: "attach", refused: [5, null, {}, ["a"]], accepted: ["ctrl-p,ctrl-q", undefined] },
    call: (detachKeys) => attached({ detachKeys }),
  },
  ...["onResize", "onRaw"].map((name) => ({
    ...{ name, of: "attach", refused: NO_FUNCTION, accepted: [undefined, () => undefined] },
    call: (callback: unknown) => attached({ [name]: callback }),
  })),
  {
    ...{ name: "pid", of: "asPty", refused: [...NO_POSITIVE, 1], accepted: [2, 2 ** 31 - 1] },
    call: (pid) => withPty((terminal) => asPty(terminal, { pid })),
  },
  {
    ...{ name: "maxLineBytes", of: "ConsoleLog", refused: NO_POSITIVE, accepted: [1, 2 ** 31 - 1] },
    call: (maxLineBytes) => new ConsoleLog({ maxLineBytes }),
  },
  {
    ...{ name: "columns", of: "Asciicast", accepted: [0, 65_535] },
    refused: NO_CELLS.filter((cells) => cells !== 0),
    call: (columns) => new Asciicast({ initialSize: { columns, rows: 24 } }),
  },
  {
    ...{ name: "rows", of: "Asciicast.resize", accepted: [0, 65_535] },
    refused: NO_CELLS.filter((cells) => cells !== 0),
    call: (rows) => new Asciicast({ initialSize: { columns: 80, rows: 24 } }).resize({ columns: 80, rows }),
  },
  {
    ...{ name: "status", of: "Asciicast.exit", accepted: [0, 255, -(2 ** 31), 2 ** 31 - 1] },
    refused: NO_COUNT.filter((value) => value !== -1),
    call: (status) => new Asciicast({ initialSize: { columns: 80, rows: 24 } }).exit(status),
  },
  {
    ...{ name: "port", of: "parseAgentAddress", refused: NO_U32, accepted: [0, 2 ** 32 - 1] },
    call: (port) => parseAgentAddress("vsock://3", { dialect: "rust", port }),
  },
  {
    ...{ name: "port", of: "openDebugConsole", refused: NO_U32, accepted: [0, 2 ** 32 - 1] },
    call: (port) => openDebugConsole(nobody, { port, signal: aborted }),
  },
  {
    ...{ name: "port", of: "passFd", refused: NO_U32, accepted: [0, 2 ** 32 - 1] },
    call: (port) => passFd(nobody, port, 0),
  },
  {
    ...{ name: "fd", of: "passFd", refused: NO_COUNT, accepted: [0] },
    call: (fd) => passFd(nobody, 1027, fd),
  },
  {
    ...{ name: "interceptors", of: "connectAgent", refused: [null, {}, [null], ["f"]], accepted: [[], undefined] },
    call: (interceptors) => connectAgent(nobody, { protocol: "grpc", interceptors, signal: aborted }),
  },
];

await connectAgent(nobody, { protocol: "grpc", timeoutMs: 1 }).catch(() => undefined);
testOptions(t, "ERR_CONSOLE_INVALID_ARG", cases);

t.test("listen [silentPeerTimeoutMs: Infinity] waits for a peer that is silent", async (t) => {
  using listener = await listen(undefined, { silentPeerTimeoutMs: POSITIVE_INFINITY });
  const refused: unknown[] = [];
  listener.on("refused", ({ error }) => refused.push(error));
  using _silent = await UnixSocket.connect(listener.path);
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.strictSame(refused, []);
});

t.test("endAfter [drainTimeoutMs: Infinity] ends with the hangup, [0] at once", async (t) => {
  const before = openFds();
  for (const drainTimeoutMs of [POSITIVE_INFINITY, 0]) {
    const { ptmx, peer } = openPty({ ptmx: "/dev/ptmx" });
    const terminal = PtyConsole.fromFd(ptmx).endAfter(Promise.resolve(), { drainTimeoutMs });
    let ended = false;
    terminal.once("end", () => {
      ended = true;
    });
    terminal.resume();
    if (drainTimeoutMs > 0) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      t.notOk(ended, "somebody has the terminal open");
      peer.close();
    }
    await until(() => ended, { what: "the end" });
    if (!peer.closed) peer.close();
  }
  await assertNoLeak(t, before);
});

t.test("an agent's call [timeoutMs: Infinity] goes out without a limit", async (t) => {
  for (const protocol of ["grpc", "ttrpc"] as const) {
    const silent = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
    const client = await connectAgent(silent, { protocol });
    const call = client.health.check({ timeoutMs: POSITIVE_INFINITY });
    const settled = call.then(
      () => "settled",
      (error: Error) => error.message,
    );
    const waits = new Promise((resolve) => setTimeout(resolve, 30, "waits"));
    t.equal(await Promise.race([settled, waits]), "waits", protocol);
    await client.close();
    await settled;
  }
});

t.test("fromFd and endAfter take the OwnedFd of another copy of cmsg", async (t) => {
  const { ptmx, peer } = openPty({ ptmx: "/dev/ptmx" });
  // As a second copy's: the same members, and another class.
  const ofAnotherCopy = (owner: OwnedFd) => ({
    get fd() {
      return owner.fd;
    },
    get closed() {
      return owner.closed;
    },
    close: () => owner.close(),
  });
  const terminal = PtyConsole.fromFd(ofAnotherCopy(ptmx) as never);
  using pidfd = new OwnedFd(native.openPidfd(process.pid));
  t.equal(terminal.endAfter(ofAnotherCopy(pidfd) as never), terminal);
  t.notOk(pidfd.closed);
  terminal.destroy();
  t.ok(ptmx.closed);
  peer.close();
});
