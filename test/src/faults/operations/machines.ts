// The ways into virtual machines while system calls fail. Whoever answers there is Node's net, whose own calls do not.
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { dial, openDebugConsole, passFd } from "console-socket/kata";
import { order } from "../steering.js";
import { ending, expect, type Operation, somebody } from "./expect.js";

/** A hypervisor or a guest: what it does with each connection. Closed with its connections. */
async function front(path: string, answer: (socket: Socket) => void): Promise<AsyncDisposable> {
  const connections = new Set<Socket>();
  const server: Server = createServer((socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket)).on("error", () => socket.destroy());
    answer(socket);
  });
  server.listen(path);
  await once(server, "listening");
  return {
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Says what came, and ends behind "hello", as a shell does behind "exit". */
function echo(socket: Socket): void {
  let heard = "";
  socket.on("data", (bytes) => {
    heard += bytes;
    socket.write(bytes);
    if (heard.endsWith("hello")) socket.end();
  });
}

/** What a hypervisor does with `expected`, which may come in pieces; then it is the guest. */
function hypervisor(expected: string): (socket: Socket) => void {
  return (socket) => {
    let request = "";
    const read = (bytes: Buffer): void => {
      request += bytes;
      if (request.length < expected.length) return;
      socket.off("data", read);
      if (request !== expected) return void socket.destroy();
      socket.write("OK 1073741824\n");
      echo(socket);
    };
    socket.on("data", read);
  };
}

async function use(stream: Duplex): Promise<void> {
  using _stream = ending(stream);
  let text = "";
  stream.on("data", (bytes) => {
    text += bytes;
  });
  const closed = once(stream, "close");
  stream.end("hello");
  await closed;
  expect(text === "hello", `"hello", not ${JSON.stringify(text)}`);
}

async function hybrid(path: string): Promise<void> {
  await using _front = await front(path, hypervisor("CONNECT 1024\n"));
  await use(await dial(`hvsock://${path}:1024`));
}

async function passed(path: string): Promise<void> {
  await using _front = await front(path, hypervisor("passfd\n1027 keep"));
  using file = somebody();
  const port = await passFd(path, 1027, file, { keep: true });
  expect(port === 1073741824, `the hypervisor's port, not ${port}`);
}

async function debugConsole(path: string): Promise<void> {
  await using _front = await front(path, hypervisor("CONNECT 1026\n"));
  await use(await openDebugConsole(`hvsock://${path}:1024`));
}

async function vsock(path: string): Promise<void> {
  order(`vsock ${path}`);
  await using _front = await front(path, echo);
  await use(await dial("vsock://3:1024"));
}

export const machines: Readonly<Record<string, Operation>> = {
  "kata hybrid vsock": hybrid,
  "kata passFd": passed,
  "kata debug console": debugConsole,
  "vsock dial": vsock,
};
