// cmsg's sockets and streams while system calls fail.
import { once } from "node:events";
import { OwnedFd, recvFile, sendFile, UnixServer, UnixSocket, UnixStream } from "cmsg";
import { ending, expect, type Operation, Several, somebody, together } from "./expect.js";

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

export const sockets: Readonly<Record<string, Operation>> = {
  "stream pair": () => pair("stream"),
  "seqpacket pair": () => pair("seqpacket"),
  "datagram pair": () => pair("datagram"),
  "listen, connect, accept": connected,
  UnixStream: stream,
  "bind, sendTo": datagrams,
  "sendFile, recvFile": file,
};
