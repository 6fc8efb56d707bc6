// Every number, signal and callback that a function of cmsg takes: what is refused, and what is not.
import { once } from "node:events";
import { createServer, connect as netConnect, type Socket } from "node:net";
import {
  cmsgAlign,
  cmsgLen,
  cmsgSpace,
  recvFile,
  recvmsg,
  sendFile,
  sendmsg,
  UnixServer,
  UnixSocket,
  UnixStream,
  unixCredentials,
} from "cmsg";
import { addSeals, eventfd, memfd } from "cmsg/create";
import { ProcessHandle } from "cmsg/process";
import { borrow, lend, takeOver } from "cmsg/stdio";
import { barrier, notify, removeStoredFds, storeFds } from "cmsg/systemd";
import { VsockServer, VsockStream } from "cmsg/vsock";
import t from "tap";
import {
  NO_COUNT,
  NO_FUNCTION,
  NO_ID,
  NO_POSITIVE,
  NO_SIGNAL,
  NO_SIGNAL_NUMBER,
  NO_U32,
  type OptionCase,
  testOptions,
} from "../support/option-cases.js";
import { tempDir } from "../support/temp-dir.js";

const path = `${tempDir(t)}/s`;
const data = Buffer.from("x");

/** A pair for one call; both ends are closed once it has settled, or at once where it waits. */
function onPair(use: (one: UnixSocket, other: UnixSocket) => unknown): unknown {
  const [one, other] = UnixSocket.pair();
  try {
    const result = use(one, other);
    if (result instanceof Promise) result.catch(() => undefined);
    return result;
  } finally {
    setImmediate(() => {
      one.close();
      other.close();
    });
  }
}

async function closing<Opened extends { close(): void }>(opened: Promise<Opened>): Promise<void> {
  (await opened).close();
}

function connectStream(options: object, onConnect?: () => void): void {
  const [one, other] = UnixSocket.pair();
  const fd = one.release();
  try {
    const stream = UnixStream.connect({ fd, ...options }, onConnect);
    // An aborted signal destroys it with an error.
    stream.on("error", () => undefined).destroy();
  } catch (error) {
    UnixStream.connect({ fd }).destroy();
    throw error;
  } finally {
    other.close();
  }
}

const ABORTED = [undefined, AbortSignal.abort(new Error("aborted"))];
const EDGES = [0, 2 ** 31 - 1];
const server = await UnixServer.listen(path);
t.teardown(() => server.close());
process.env["NOTIFY_SOCKET"] = `@cmsg-options-${process.pid}`;

/** Everything that takes a signal. */
const signals: Record<string, (signal: AbortSignal) => unknown> = {
  "UnixSocket.connect": (signal) => closing(UnixSocket.connect({ abstract: "nowhere" }, { signal })),
  receive: (signal) => onPair((one) => one.receive({ signal })),
  send: (signal) => onPair((one) => one.send(data, [], { signal })),
  sendTo: (signal) => onPair((one) => one.sendTo(data, { abstract: "nowhere" }, [], { signal })),
  accept: (signal) => server.accept({ signal: signal === undefined ? AbortSignal.abort() : signal }),
  sendFile: (signal) => onPair((one) => sendFile(one, "name", 0, { signal })),
  recvFile: (signal) => onPair((one) => recvFile(one, { signal })),
  "UnixStream.connect": (signal) => connectStream({ signal }),
  lend: (signal) => onPair((one) => lend(one, { signal })),
  borrow: (signal) => onPair((one) => borrow(one, { signal })),
  takeOver: (signal) => onPair((one) => takeOver(one, { signal })),
  notify: (signal) => notify({ ready: true }, { signal }),
  storeFds: (signal) => storeFds("name", [0], { signal }),
  removeStoredFds: (signal) => removeStoredFds("name", { signal }),
  barrier: (signal) => barrier({ signal }),
  "VsockStream.connect": (signal) =>
    VsockStream.connect({ cid: 1, port: 1 }, { signal: signal === undefined ? AbortSignal.abort() : signal }),
};

const cases: OptionCase[] = [
  ...Object.entries(signals).map(([of, call]) => ({
    ...{ name: "signal", of, call, refused: NO_SIGNAL, accepted: ABORTED },
  })),
  {
    ...{ name: "length", of: "receive", refused: NO_POSITIVE, accepted: [1, 2 ** 20] },
    call: (length) => onPair((one) => one.receive({ length })),
  },
  {
    ...{ name: "length", of: "recvmsg", refused: NO_POSITIVE, accepted: [1, 2 ** 20] },
    call: (length) => onPair((one) => recvmsg(one.fd, { length })),
  },
  {
    ...{ name: "maxFds", of: "receive", refused: [...NO_COUNT, 254], accepted: [0, 253] },
    call: (maxFds) => onPair((one) => one.receive({ maxFds })),
  },
  {
    ...{ name: "maxFds", of: "recvmsg", refused: [...NO_COUNT, 254], accepted: [0, 253] },
    call: (maxFds) => onPair((one) => recvmsg(one.fd, { maxFds })),
  },
  {
    ...{ name: "fds", of: "send", refused: [5, null, {}, "0", new Set([0])], accepted: [[], [0]] },
    call: (fds) => onPair((one) => one.send(data, fds)),
  },
  {
    ...{ name: "fds", of: "sendmsg", refused: [5, null, {}, "0", new Set([0])], accepted: [[], [0]] },
    call: (rights) => onPair((one) => sendmsg(one.fd, data, { rights })),
  },
  {
    ...{ name: "fds", of: "storeFds", refused: [5, null, {}, "0", new Set([0])], accepted: [[0]] },
    call: (fds) => storeFds("name", fds),
  },
  {
    ...{ name: "fds", of: "lend", refused: [5, null, {}, "012", [0, 1], [0, 1, 2, 2]], accepted: [[0, 1, 2]] },
    call: (fds) => onPair((one) => lend(one, { fds })),
  },
  ...["uid", "gid"].map((id) => ({
    ...{ name: `credentials.${id}`, of: "send", refused: NO_ID, accepted: [0, 2 ** 32 - 2] },
    call: (value: number) =>
      onPair((one) => one.send(data, [], { credentials: { pid: process.pid, uid: 0, gid: 0, [id]: value } })),
  })),
  {
    ...{ name: "credentials.pid", of: "sendmsg", refused: NO_COUNT, accepted: EDGES },
    call: (pid) => onPair((one) => sendmsg(one.fd, data, { credentials: { pid, uid: 0, gid: 0 } })),
  },
  {
    ...{ name: "pid", of: "unixCredentials", refused: NO_COUNT, accepted: EDGES },
    call: (pid) => unixCredentials({ pid, uid: 0, gid: 0 }),
  },
  ...["uid", "gid"].map((id) => ({
    ...{ name: id, of: "unixCredentials", refused: NO_U32, accepted: [0, 2 ** 32 - 1] },
    call: (value: number) => unixCredentials({ pid: 1, uid: 0, gid: 0, [id]: value }),
  })),
  ...Object.entries({ cmsgAlign, cmsgLen, cmsgSpace }).map(([of, call]) => ({
    ...{ name: "bytes", of, call, refused: NO_COUNT, accepted: EDGES },
  })),
  {
    ...{ name: "mode", of: "UnixServer.listen", refused: [...NO_COUNT, 0o10000, "600"], accepted: [0, 0o7777] },
    call: (mode) => closing(UnixServer.listen(`${path}-mode`, { mode })),
  },
  {
    ...{ name: "mode", of: "UnixSocket.bind", refused: [...NO_COUNT, 0o10000, "600"], accepted: [0, 0o7777] },
    call: (mode) => closing(UnixSocket.bind(`${path}-mode`, { mode })),
  },
  {
    ...{ name: "mode", of: "UnixSocket.bind without a path", refused: NO_COUNT, accepted: [0o600] },
    call: (mode) => closing(UnixSocket.bind(undefined, { mode })),
  },
  {
    ...{ name: "backlog", of: "UnixServer.listen", refused: NO_COUNT, accepted: EDGES },
    call: (backlog) => closing(UnixServer.listen(`${path}-backlog`, { backlog })),
  },
  {
    ...{
      name: "type",
      of: "UnixServer.listen",
      refused: ["datagram", "raw", 1, null],
      accepted: ["stream", "seqpacket"],
    },
    call: (type) => closing(UnixServer.listen(`${path}-type`, { type })),
  },
  {
    ...{ name: "backlog", of: "VsockServer.listen", refused: NO_COUNT, accepted: EDGES },
    call: (backlog) => closing(VsockServer.listen({ backlog })),
  },
  ...["cid", "port"].map((name) => ({
    ...{ name, of: "VsockServer.listen", refused: NO_U32, accepted: [2 ** 32 - 1] },
    call: (value: number) => closing(VsockServer.listen({ [name]: value })),
  })),
  ...["cid", "port"].map((name) => ({
    ...{ name, of: "VsockStream.connect", refused: NO_U32, accepted: [2 ** 32 - 1] },
    call: (value: number) => VsockStream.connect({ cid: 0, port: 0, [name]: value }, { signal: AbortSignal.abort() }),
  })),
  ...["readableHighWaterMark", "writableHighWaterMark"].map((name) => ({
    ...{ name, of: "UnixStream.connect", refused: NO_COUNT, accepted: EDGES },
    call: (value: number) => connectStream({ [name]: value }),
  })),
  {
    ...{ name: "onConnect", of: "UnixStream.connect", refused: NO_FUNCTION, accepted: [undefined, () => undefined] },
    call: (onConnect) => connectStream({}, onConnect),
  },
  {
    ...{ name: "pid", of: "ProcessHandle.open", refused: NO_POSITIVE, accepted: [process.pid] },
    call: (pid) => ProcessHandle.open(pid).close(),
  },
  {
    ...{ name: "signal", of: "ProcessHandle.kill", refused: NO_SIGNAL_NUMBER, accepted: [0, "SIGCONT"] },
    call: (signal) => {
      using own = ProcessHandle.open(process.pid);
      own.kill(signal);
    },
  },
  {
    ...{ name: "name", of: "memfd", refused: [5, null, {}, "a\0b", "x".repeat(250)], accepted: ["", "ä".repeat(124)] },
    call: (name) => memfd(name).close(),
  },
  {
    ...{ name: "size", of: "memfd", refused: NO_COUNT.filter((value) => value !== 2 ** 31), accepted: [0, 2 ** 40] },
    call: (size) => memfd("x", { size }).close(),
  },
  {
    ...{ name: "seal", of: "memfd", refused: [5, null, {}, "write", ["none"], [1]], accepted: [[], ["write", "seal"]] },
    call: (seal) => memfd("x", { seal }).close(),
  },
  {
    ...{ name: "seals", of: "addSeals", refused: [5, null, {}, "write", ["none"]], accepted: [["write", "seal"]] },
    call: (seals) => {
      using file = memfd("x", { seal: [] });
      addSeals(file, seals);
    },
  },
  {
    ...{ name: "initial", of: "eventfd", refused: NO_U32, accepted: [0, 2 ** 32 - 1] },
    call: (initial) => eventfd(initial).close(),
  },
  {
    ...{ name: "mainPid", of: "notify", refused: NO_POSITIVE, accepted: [1, 2 ** 31 - 1] },
    call: (mainPid) => notify({ mainPid }),
  },
  {
    ...{ name: "extendTimeoutMs", of: "notify", refused: NO_POSITIVE, accepted: [1, 2 ** 31 - 1] },
    call: (extendTimeoutMs) => notify({ extendTimeoutMs }),
  },
];

testOptions(t, "ERR_CMSG_INVALID_ARG", cases);

t.test("receive [maxFds: NaN] is refused before a message is taken", async (t) => {
  const [one, other] = UnixSocket.pair();
  await one.send(data, [0, 0, 0]);
  await t.rejects(other.receive({ maxFds: Number.NaN }), { code: "ERR_CMSG_INVALID_ARG" });
  using message = await other.receive({ maxFds: 3 });
  t.equal(message?.fds.length, 3, "it is still there");
  one.close();
  other.close();
});

/** What setTimeout of a stream did: 'threw', or how it stands after 60 ms; and which warnings came. */
async function timeoutOf(stream: Socket | UnixStream, timeoutMs: never): Promise<string> {
  const warnings: string[] = [];
  const onWarning = ({ name }: Error): void => void warnings.push(name);
  process.on("warning", onWarning);
  let fired = false;
  let thrown = false;
  try {
    stream.setTimeout(timeoutMs, () => {
      fired = true;
    });
  } catch {
    thrown = true;
  }
  await new Promise((resolve) => setTimeout(resolve, 60));
  process.off("warning", onWarning);
  return JSON.stringify({ thrown, fired, timeout: thrown || String(stream.timeout), warnings });
}

t.test("UnixStream.setTimeout does what net.Socket's does, with ERR_CMSG_INVALID_ARG where that throws", async (t) => {
  const listening = createServer().listen(`\0cmsg-timeout-${process.pid}`);
  await once(listening, "listening");
  const values = [0, 0.5, 1.5, 20, 1e6, 2 ** 31 - 1, 2 ** 31, 1e12, Number.NaN, -1, Number.POSITIVE_INFINITY];
  for (const value of [...values, "5", null, undefined, {}] as never[]) {
    const [one, other] = UnixSocket.pair();
    const ours = UnixStream.connect({ fd: one.release() });
    const theirs = netConnect(`\0cmsg-timeout-${process.pid}`);
    await Promise.all([once(ours, "connect"), once(theirs, "connect")]);
    t.equal(await timeoutOf(ours, value), await timeoutOf(theirs, value), String(value));
    ours.destroy();
    theirs.destroy();
    other.close();
  }
  const [one, other] = UnixSocket.pair();
  const stream = UnixStream.connect({ fd: one.release() });
  for (const value of [Number.NaN, -1, Number.POSITIVE_INFINITY, "5", null, {}] as never[])
    t.throws(() => stream.setTimeout(value), { code: "ERR_CMSG_INVALID_ARG", message: /timeoutMs .* got/ });
  for (const value of NO_FUNCTION as never[])
    for (const timeoutMs of [0, 10])
      t.throws(() => stream.setTimeout(timeoutMs, value), { code: "ERR_CMSG_INVALID_ARG", message: /onTimeout/ });
  t.equal(stream.timeout, undefined, "what was refused has set nothing");
  stream.destroy();
  other.close();
  t.equal(stream.setTimeout(1), stream, "after the end it does nothing");
  t.equal(stream.timeout, undefined);
  listening.close();
});
