// Node's http over UnixStream, which stands where it expects a net.Socket: as a client's connection, with an Agent that
// keeps it, and as a server's.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { Agent, get, type IncomingMessage, type RequestOptions, request } from "node:http";
import { connect as netConnect } from "node:net";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { UnixStream } from "cmsg";
import t from "tap";
import { netServer, unixServer } from "../support/http-servers.js";
import { nodeProgram } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { run } from "../support/processes.js";

// Larger than every buffer on the way together, in pieces that fit nowhere evenly.
const PIECE = randomBytes(99_991);
const PIECES = 200;
const bigBody = () => Readable.from(Array.from({ length: PIECES }, () => PIECE));

async function digest(body: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of body) hash.update(piece);
  return hash.digest("hex");
}

/** Makes UnixStreams, and counts them. */
class UnixAgent extends Agent {
  readonly streams: UnixStream[] = [];
  readonly #path: string;

  constructor(path: string) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#path = path;
  }

  override createConnection(): UnixStream {
    const stream = UnixStream.connect({ path: this.#path });
    this.streams.push(stream);
    return stream;
  }
}

async function answer(options: RequestOptions, body?: string): Promise<[IncomingMessage, string]> {
  const asked = request(options).end(body);
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return [response, await text(response)];
}

t.test("an Agent keeps its UnixStream for the next request, and lets go of it with destroy()", async (t) => {
  const before = openFds();
  const peers = new Set<unknown>();
  const { path, close } = await netServer(t, (asked, response) => {
    peers.add(asked.socket);
    asked.pipe(response);
  });
  const agent = new UnixAgent(path);
  for (let n = 0; n < 20; n++) {
    const [, body] = await answer({ agent, method: "POST" }, `number ${n}`);
    t.equal(body, `number ${n}`);
  }
  t.equal(agent.streams.length, 1);
  t.equal(peers.size, 1, "the server saw one connection");
  const [stream] = agent.streams as [UnixStream];
  await Promise.all(
    Array.from({ length: 10 }, async (_, n) => t.equal((await answer({ agent, method: "PUT" }, `${n}`))[1], `${n}`)),
  );
  t.equal(agent.streams.length, 1, "ten that were asked for at once stood in line for it");
  const closed = once(stream, "close");
  agent.destroy();
  await closed;
  await close();
  await assertNoLeak(t, before);
});

t.test("an Agent [the server ends the connection it kept] makes another one", async (t) => {
  const before = openFds();
  const { path, server, close } = await netServer(t, (_, response) => response.end("here"));
  const agent = new UnixAgent(path);
  await answer({ agent });
  const closed = once(agent.streams[0] as UnixStream, "close");
  server.closeIdleConnections();
  await closed;
  t.equal((await answer({ agent }))[1], "here");
  t.equal(agent.streams.length, 2);
  agent.destroy();
  await close();
  await assertNoLeak(t, before);
});

t.test("an idle connection of an Agent's does not keep the process", async (t) => {
  const { path } = await netServer(t, (_, response) => response.end("here"));
  const { status, stdout } = await run(t, ...nodeProgram("interop/keep-idle-connection", [path]));
  t.match({ status, stdout }, { status: 0, stdout: "answered\n1 kept\n" });
});

for (const [ends, serve] of [
  ["a server of Node's net", netServer],
  ["a server that was given UnixStreams", unixServer],
] as const) {
  t.test(`20 MB there and back at the same time, with ${ends}`, async (t) => {
    const before = openFds();
    const { path, close } = await serve(t, (asked, response) => asked.pipe(response));
    const agent = new UnixAgent(path);
    const expected = await digest(bigBody());
    for (let round = 0; round < 2; round++) {
      const asked = request({ agent, method: "POST" });
      const sent = pipeline(bigBody(), asked);
      const [response] = await once(asked, "response");
      t.equal(await digest(response), expected);
      await sent;
    }
    t.equal(agent.streams.length, 1);
    t.ok((agent.streams[0]?.bytesRead ?? 0) > 2 * PIECES * PIECE.length);
    t.ok((agent.streams[0]?.bytesWritten ?? 0) > 2 * PIECES * PIECE.length);
    agent.destroy();
    await close();
    await assertNoLeak(t, before);
  });
}

t.test(
  "a server that was given a UnixStream: many requests on it, who the peer is, an end by its timeout",
  async (t) => {
    const before = openFds();
    const { path, server, close, streams } = await unixServer(t, ({ socket, url }, response) => {
      const { pid } = (socket as unknown as UnixStream).peerCredentials();
      if (url === "/last") server.keepAliveTimeout = 1;
      response.end(`${url} from ${pid}, ${socket.remoteAddress}\n`);
    });
    const client = netConnect(path);
    for (const url of ["/1", "/2", "/last"]) client.write(`GET ${url} HTTP/1.1\r\nHost: here\r\n\r\n`);
    t.strictSame(
      [...(await text(client)).matchAll(/\/.* from .*/g)].map(([line]) => line),
      ["/1", "/2", "/last"].map((url) => `${url} from ${process.pid}, undefined`),
    );
    t.equal(streams.length, 1);
    await close();
    await assertNoLeak(t, before);
  },
);

t.test("closeAllConnections() of a server ends UnixStreams under way", async (t) => {
  const before = openFds();
  const { path, server, close, streams } = await unixServer(t, (_, response) => response.write("the first half"));
  const asked = get({ createConnection: () => UnixStream.connect({ path }) });
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  await once(response, "data");
  const closed = once(streams[0] as UnixStream, "close");
  server.closeAllConnections();
  const [error] = await once(response, "error");
  t.match(error, { code: "ECONNRESET", message: "aborted" });
  await closed;
  await close();
  await assertNoLeak(t, before);
});

t.test("a request [nobody there, no answer, aborted, its body fails] fails as over a net.Socket", async (t) => {
  const before = openFds();
  const { path, close } = await netServer(t, (asked) => asked.resume());
  const streams: UnixStream[] = [];
  const ask = (options: RequestOptions, to = path) =>
    request({
      createConnection: () => {
        const stream = UnixStream.connect({ path: to });
        streams.push(stream);
        return stream;
      },
      method: "POST",
      ...options,
    });
  const [absent] = await once(ask({}, `${path}-none`).end(), "error");
  t.match(absent, { code: "ENOENT", syscall: "connect" });

  const silent = ask({}).setTimeout(1).end();
  await once(silent, "timeout");
  silent.destroy();
  t.match(await once(silent, "error"), [{ code: "ECONNRESET", message: "socket hang up" }]);

  const abort = new AbortController();
  const aborted = ask({ signal: abort.signal }).end();
  const ended = once(aborted, "error");
  await once(aborted, "socket");
  abort.abort();
  t.match(await ended, [{ name: "AbortError" }]);

  const failing = ask({});
  failing.on("error", () => {});
  const body = Readable.from(
    (async function* () {
      yield PIECE;
      throw new Error("the body's own");
    })(),
  );
  await t.rejects(pipeline(body, failing), { message: "the body's own" });
  for (const stream of streams) if (!stream.closed) await once(stream, "close");
  await close();
  await assertNoLeak(t, before);
});
