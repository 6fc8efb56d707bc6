// Peers that keep to nothing: those that bring no console, and those that bring one and tamper with it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { closing, UnixSocket } from "cmsg";
import { listen } from "console-socket";

const TAMPER = fileURLToPath(new URL("../../test/fixtures/tamper.py", import.meta.url));

const noise = (most) =>
  Buffer.from(Array.from({ length: 1 + Math.floor(Math.random() * most) }, () => Math.random() * 256));

/** Each is refused. */
const misdeeds = {
  silent: async () => undefined,
  closes: async (socket) => socket.close(),
  noDescriptor: (socket) => socket.send(Buffer.from("/dev/ptmx")),
  noise: (socket) => socket.send(noise(8000)),
  wrongFile: (socket) => sendOpened(socket, "name", ["/dev/null"]),
  directory: (socket) => sendOpened(socket, "name", ["/dev/pts"]),
  twoFiles: (socket) => sendOpened(socket, "name", ["/dev/null", "/dev/zero"]),
  manyFiles: (socket) => sendOpened(socket, "name", Array(253).fill("/dev/null")),
  longName: (socket) => sendOpened(socket, "n".repeat(5000), ["/dev/ptmx"]),
  escapes: (socket) => sendOpened(socket, "\u001b[2J\u001b]0;title\u0007", ["/proc/self/status"]),
  floods: flood,
};

async function sendOpened(socket, name, paths) {
  const fds = paths.map((path) => openSync(path, "r"));
  try {
    await socket.send(Buffer.from(name), fds);
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

// As much as it can, with a descriptor in each message, until the listener hangs up.
async function flood(socket) {
  try {
    for (;;) await sendOpened(socket, "x".repeat(65_536), ["/dev/null"]);
  } catch (error) {
    if (error.code !== "EPIPE" && error.code !== "ECONNRESET") throw error;
  }
}

/** Resolves when a listener has refused so many. */
function refusals(listener, count) {
  let left = count;
  return new Promise((/** @type {(_?: undefined) => void} */ done) => {
    listener.on("refused", () => {
      if (--left === 0) done();
    });
  });
}

/** All of them at one listener: how many it refused. */
export async function misbehaved() {
  const listener = await listen(undefined, { silentPeerTimeoutMs: 500 });
  try {
    const kinds = Object.values(misdeeds);
    const refused = refusals(listener, kinds.length);
    const sockets = await Promise.all(
      kinds.map(async (misdeed) => {
        const socket = await UnixSocket.connect(listener.path);
        await misdeed(socket);
        return socket;
      }),
    );
    await refused;
    for (const socket of sockets) socket.close();
    return kinds.length;
  } finally {
    listener.close();
  }
}

const HANGING = fileURLToPath(new URL("../../test/fixtures/hanging-peer.py", import.meta.url));
/** A close that lasts a second is told of as hanging. */
const HANG_MS = 1500;
const NOBODY = 65534;
let lingerings = 0;

/**
 * Peers whose connections are refused, with descriptors on their way in them whose close waits until the peer ends: TCP
 * sockets with SO_LINGER, also in the queue of a Unix socket. As root, one peer is of another uid, so that nothing of its is
 * received.
 * How many closes hung.
 */
export async function lingering() {
  const abstract = `soak-lingering-${process.pid}-${++lingerings}`;
  const listener = await listen({ abstract });
  const script = readFileSync(HANGING, "utf8");
  // By its path: another python3 may be in a directory of root's.
  const stranger = ["setpriv", `--reuid=${NOBODY}`, "--clear-groups", "--", "/usr/bin/python3"];
  const peer = (python, kind) => {
    const [command, ...args] = [...python, "-c", script, `@${abstract}`, kind, "4"];
    return spawn(command, args, { stdio: ["pipe", "ignore", "inherit"], cwd: "/" });
  };
  const own = ["python3"];
  const peers = [peer(process.getuid?.() === 0 ? stranger : own, "unread"), peer(own, "queued")];
  const exited = peers.map((peer) => once(peer, "exit"));
  let ending = false;
  for (const exit of exited) {
    exit.then(([code]) => {
      if (!ending) throw new Error(`a lingering peer ended with ${code}`);
    });
  }
  try {
    await refusals(listener, peers.length);
    await delay(HANG_MS);
    return closing().count;
  } finally {
    ending = true;
    listener.close();
    for (const peer of peers) peer.stdin.end();
    await Promise.all(exited);
  }
}

/** Another sender each time: O_NONBLOCK cleared and bytes stolen, while it is read or written; packet mode. */
const attacks = {
  clear: read,
  toggle: read,
  sip: write,
  packet: async (listener) => (await once(listener, "refused"))[0].error,
};

async function read(listener) {
  return failure((await listener.accept()).resume());
}

async function write(listener) {
  const console = await listener.accept();
  const type = () => {
    while (console.write(Buffer.alloc(65_536, "x")));
  };
  console.on("drain", type);
  type();
  return failure(console);
}

async function failure(console) {
  if (!console.errored) await once(console, "close").catch(() => undefined);
  return console.errored;
}

let turn = 0;

/** A sender that keeps a copy of the ptmx and tampers: it is found out, and its console ends. */
export async function tampering() {
  const kind = Object.keys(attacks)[turn++ % Object.keys(attacks).length];
  const listener = await listen();
  const attacker = spawn("python3", [TAMPER, listener.path, kind], { stdio: ["pipe", "ignore", "inherit"] });
  const exited = once(attacker, "exit");
  try {
    const error = await attacks[kind](listener);
    if (error?.code !== "ERR_CONSOLE_TAMPERED") throw new Error(`${kind}: ${error ?? "not found out"}`);
    return 1;
  } finally {
    listener.close();
    attacker.stdin.end();
    await exited;
  }
}
