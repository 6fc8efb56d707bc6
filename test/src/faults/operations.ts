// What is done while system calls fail: each operation is small, uses its own sockets and terminals, closes them, and
// throws when something else came than was sent. `using` closes all of them, also when one close fails.
import { once } from "node:events";
import { openSync } from "node:fs";
import { OwnedFd, recvFile, sendFile, UnixServer, UnixSocket, UnixStream } from "cmsg";
import { notify } from "cmsg/systemd";
import { native } from "cmsg-native";
import { openPty, sendConsole, spawnConsole } from "console-init";
import { listen, type PtyConsole, receiveConsole } from "console-socket";

export type Operation = (place: string) => Promise<void>;

class Wrong extends Error {}

function expect(right: boolean, what: string): void {
  if (!right) throw new Wrong(`expected ${what}`);
}

/** Disposes of a stream or a console. */
function ending<Stream extends { destroy(): unknown }>(stream: Stream): { stream: Stream } & Disposable {
  return { stream, [Symbol.dispose]: () => void stream.destroy() };
}

/** Closes all of them, also when one close fails. */
class Several implements Disposable {
  readonly fds: OwnedFd[];

  constructor(fds: OwnedFd[]) {
    this.fds = fds;
  }

  [Symbol.dispose](): void {
    const fd = this.fds.pop();
    if (!fd) return;
    try {
      fd.close();
    } finally {
      this[Symbol.dispose]();
    }
  }
}

const somebody = (): OwnedFd => new OwnedFd(openSync("/proc/version", "r"));

/** All must succeed; when one fails the others are let go, since nobody sends or reads any more. */
async function together(parts: Promise<unknown>[], letGo: () => void): Promise<void> {
  let first: { error: unknown } | undefined;
  const all = parts.map((part) =>
    part.catch((error) => {
      first ??= { error };
      letGo();
    }),
  );
  await Promise.all(all);
  if (first) throw first.error;
}

async function exchange(sender: UnixSocket, receiver: UnixSocket): Promise<void> {
  using file = somebody();
  await sender.send(Buffer.from("hello"), [file, file]);
  let [text, fds] = ["", 0];
  while (text.length < 5) {
    using message = await receiver.receive();
    if (!message) break;
    text += message.data;
    fds += message.fds.length;
  }
  expect(text === "hello" && fds === 2, `"hello" and two descriptors, not ${JSON.stringify(text)} and ${fds}`);
}

async function pair(type: "stream" | "seqpacket" | "datagram"): Promise<void> {
  const [one, other] = UnixSocket.pair(type, { passCredentials: type === "seqpacket" });
  using _one = one;
  using _other = other;
  await exchange(one, other);
}

async function connected(path: string): Promise<void> {
  using server = await UnixServer.listen(path, { mode: 0o600, replaceStale: true });
  using client = await UnixSocket.connect(path);
  using connection = await server.accept();
  connection.peerCredentials();
  connection.peerPidfd().close();
  await exchange(client, connection);
}

async function stream(): Promise<void> {
  const [one, other] = UnixSocket.pair();
  using _one = one;
  using _other = other;
  using ends = new Several([new OwnedFd(one.release()), new OwnedFd(other.release())]);
  const [leftEnd, rightEnd] = ends.fds as [OwnedFd, OwnedFd];
  using left = ending(UnixStream.connect({ fd: leftEnd }));
  using right = ending(UnixStream.connect({ fd: rightEnd }));
  using file = somebody();
  using came = new Several([]);
  let text = "";
  right.stream.on("fds", (numbers: number[]) => came.fds.push(...numbers.map((fd) => new OwnedFd(fd))));
  right.stream.on("data", (bytes) => {
    text += bytes;
  });
  const closed = [left.stream, right.stream].map((end) => once(end, "close"));
  const letGo = (): void => {
    left.stream.destroy();
    right.stream.destroy();
  };
  await once(right.stream, "connect");
  left.stream.resume();
  left.stream.write("plain");
  left.stream.writeWithFds(Buffer.from("with"), [file, file]);
  left.stream.end("end");
  await together(closed, letGo);
  const seen = `${text} and ${came.fds.length}`;
  expect(seen === "plainwithend and 2", `all and two descriptors, not ${JSON.stringify(seen)}`);
}

async function datagrams(path: string): Promise<void> {
  using server = await UnixSocket.bind(path);
  using client = await UnixSocket.bind();
  using file = somebody();
  await client.sendTo(Buffer.from("x"), path, [file]);
  using message = await server.receive();
  expect(String(message?.data) === "x" && message?.fds.length === 1, "one byte and one descriptor");
}

async function file(): Promise<void> {
  const [one, other] = UnixSocket.pair();
  using _one = one;
  using _other = other;
  using sent = somebody();
  await sendFile(one, "name", sent);
  const { name, fd } = await recvFile(other);
  using _fd = fd;
  // A short send cuts it: what arrives with the descriptor is what runc would take for the name.
  expect("name".startsWith(String(name)), `a name, not ${name}`);
}

async function tell(path: string): Promise<void> {
  using manager = await UnixSocket.bind(path);
  process.env["NOTIFY_SOCKET"] = path;
  await notify({ ready: true });
  using message = await manager.receive();
  expect(String(message?.data) === "READY=1", "READY=1");
}

/** Both directions, the size and the end of a console whose terminal is `peer`. */
async function use(console: PtyConsole, peer: OwnedFd): Promise<void> {
  using _console = ending(console);
  let shown = "";
  console.on("data", (bytes) => {
    shown += bytes;
  });
  const closed = once(console, "close");
  console.resize(100, 30);
  console.setOnlcr(false);
  console.write("typed\n");
  console.end();
  // Not before it is typed: what is written to a terminal nobody has open is dropped.
  await Promise.race([once(console, "finish"), closed]);
  peer.close();
  await closed;
  // The terminal echoes a moment later, and the hangup can cut that.
  expect("typed\n".startsWith(shown.replace("\r", "")), `an echo, not ${JSON.stringify(shown)}`);
}

async function terminal(path: string): Promise<void> {
  using listener = await listen(path, { silentPeerTimeoutMs: 0 });
  using pty = openPty({ ptmx: "/dev/ptmx", size: { columns: 80, rows: 24 } });
  const refused = once(listener, "refused").then(([{ error }]) => Promise.reject(error));
  refused.catch(() => undefined);
  let console: PtyConsole | undefined;
  await Promise.race([
    refused,
    together(
      [
        sendConsole(path, pty.ptmx),
        listener.accept().then((accepted) => {
          console = accepted;
        }),
      ],
      () => listener.close(),
    ),
  ]);
  pty.ptmx.close();
  if (console) await use(console, pty.peer);
}

async function overPair(): Promise<void> {
  const [one, other] = UnixSocket.pair();
  using _one = one;
  using _other = other;
  using pty = openPty({ ptmx: "/dev/ptmx" });
  await sendConsole(one, pty.ptmx);
  const console = await receiveConsole(other);
  using _console = ending(console);
  pty.ptmx.close();
  using released = console.release();
  native.getPtyNumber(released.fd);
}

async function spawned(): Promise<void> {
  const process = spawnConsole("true");
  using _socket = process.socket;
  try {
    const console = await receiveConsole(process.socket);
    using _console = ending(console);
    console.resume();
    await once(console, "close");
  } finally {
    process.kill("SIGKILL");
    await process.exited;
  }
}

export const operations: Readonly<Record<string, Operation>> = {
  "stream pair": () => pair("stream"),
  "seqpacket pair": () => pair("seqpacket"),
  "datagram pair": () => pair("datagram"),
  "listen, connect, accept": connected,
  UnixStream: stream,
  "bind, sendTo": datagrams,
  "sendFile, recvFile": file,
  "systemd notify": tell,
  "console over a listener": terminal,
  "console over a pair": overPair,
  spawnConsole: spawned,
};
