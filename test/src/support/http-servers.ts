// HTTP servers of Node's on Unix sockets: one that has its connections from net, and one that is given UnixStreams.
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { UnixServer, UnixStream } from "cmsg";
import type { Test } from "tap";
import { tempDir } from "./temp-dir.js";

export interface Serving {
  path: string;
  server: Server;
  /** Ends its connections, too. */
  close(): Promise<void>;
}

/** Node's own listener, at a path of its own. */
export async function netServer(t: Test, listener: RequestListener): Promise<Serving> {
  const path = `${tempDir(t)}/s`;
  const server = createServer(listener).listen(path);
  await once(server, "listening");
  const close = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
  };
  t.teardown(close);
  return { path, server, close };
}

/** UnixServer accepts, and every connection is given as a UnixStream to a server of Node's that listens elsewhere. */
export async function unixServer(t: Test, listener: RequestListener): Promise<Serving & { streams: UnixStream[] }> {
  const accepting = await UnixServer.listen(`${tempDir(t)}/s`);
  // Node's server keeps account of its connections only when it listens.
  const { server, close: closeServer } = await netServer(t, listener);
  const streams: UnixStream[] = [];
  const accepted = (async () => {
    for await (const socket of accepting) {
      const stream = UnixStream.connect({ fd: socket.release() });
      streams.push(stream);
      server.emit("connection", stream);
    }
  })();
  const close = async (): Promise<void> => {
    accepting.close();
    await accepted;
    await closeServer();
  };
  t.teardown(close);
  return { path: accepting.path, server, close, streams };
}
