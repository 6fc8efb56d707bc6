// A hypervisor's socket of hybrid vsock, as a test wants it to behave: what it does with each connection, once it has
// read the first line.
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Test } from "tap";
import { tempDir } from "./temp-dir.js";

export interface HybridFront {
  path: string;
  /** The first line of each connection, in their order, and how many reads it took to come. */
  readonly requests: { line: string; reads: number }[];
  /** Connections that are open now. */
  readonly connections: ReadonlySet<Socket>;
}

/** Answers as hypervisors do, with whatever follows. */
export const OK = "OK 1073741824\n";

export async function hybridFront(
  t: Test,
  answer: (socket: Socket, request: string, count: number) => void,
): Promise<HybridFront> {
  const path = join(tempDir(t), "h");
  const connections = new Set<Socket>();
  const requests: { line: string; reads: number }[] = [];
  const server = createServer((socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
    // A client that is gone already; what it makes of it is the test's subject.
    socket.on("error", () => socket.destroy());
    let line = "";
    let reads = 0;
    const read = (data: Buffer) => {
      line += data.toString("latin1");
      reads++;
      if (!line.includes("\n")) return;
      socket.off("data", read);
      requests.push({ line, reads });
      answer(socket, line, requests.length);
    };
    socket.on("data", read);
  });
  server.listen(path);
  await once(server, "listening");
  t.teardown(() => {
    server.close();
    for (const socket of connections) socket.destroy();
  });
  return { path, requests, connections };
}
