// The ws package over UnixStream: a client's connection, a server's, and both; the other end is Node's net.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { finished } from "node:stream/promises";
import { UnixStream } from "cmsg";
import t, { type Test } from "tap";
import { createWebSocketStream, WebSocket, WebSocketServer } from "ws";
import { netServer, type Serving, unixServer } from "../support/http-servers.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";

const PIECE_BYTES = 99_991;
const PIECES = 200;

type Connect = (path: string, options?: { perMessageDeflate?: boolean }) => WebSocket;

const overNet: Connect = (path, options) => new WebSocket(`ws+unix:${path}:/`, options);
const overUnixStream: Connect = (path, options) =>
  new WebSocket("ws://localhost/", { ...options, createConnection: () => UnixStream.connect({ path }) });

const ways = [
  { what: "a client over UnixStream, a server of net's", connect: overUnixStream, serve: netServer },
  { what: "a client over net, a server over UnixStream", connect: overNet, serve: unixServer },
  { what: "UnixStream at both ends", connect: overUnixStream, serve: unixServer },
];

interface Ends {
  client: WebSocket;
  server: WebSocket;
  /** What the server's is on. */
  socket: Duplex;
  close(): Promise<void>;
}

async function open(
  t: Test,
  { connect, serve }: { connect: Connect; serve: (typeof ways)[number]["serve"] },
  options: { perMessageDeflate?: boolean } = {},
): Promise<Ends> {
  const { path, server, close }: Serving = await serve(t, (_, response) => response.writeHead(426).end());
  const upgrading = new WebSocketServer({ noServer: true, ...options });
  const upgraded = new Promise<{ server: WebSocket; socket: Duplex }>((resolve) => {
    server.on("upgrade", (request, socket, head) =>
      upgrading.handleUpgrade(request, socket, head, (server) => resolve({ server, socket })),
    );
  });
  const client = connect(path, options);
  await once(client, "open");
  return { client, close, ...(await upgraded) };
}

/** What of `bytes` comes back from `socket`, whose other end sends back everything. */
async function echoed(socket: WebSocket, bytes: Buffer): Promise<Buffer> {
  const answer = once(socket, "message");
  socket.send(bytes);
  return (await answer)[0];
}

for (const way of ways) {
  t.test(`${way.what}: messages, ping, and an end with its reason`, async (t) => {
    const before = openFds();
    const { client, server, socket, close } = await open(t, way);
    t.equal(socket instanceof UnixStream, way.serve === unixServer);
    for (const [from, to] of [[client, server] as const, [server, client] as const]) {
      const [text, binary] = ["words", randomBytes(300)];
      const came: [Buffer, boolean][] = [];
      const both = new Promise<void>((resolve) => {
        to.on("message", (data: Buffer, isBinary: boolean) => {
          if (came.push([data, isBinary]) === 2) resolve();
        });
      });
      from.send(text);
      from.send(binary);
      await both;
      t.strictSame(came, [
        [Buffer.from(text), false],
        [binary, true],
      ]);
      const pong = once(from, "pong");
      from.ping("are you there");
      t.equal(String((await pong)[0]), "are you there");
    }
    const ends = [client, server].map((end) => once(end, "close"));
    client.close(4001, "it was enough");
    for (const [code, reason] of await Promise.all(ends)) t.strictSame([code, String(reason)], [4001, "it was enough"]);
    await close();
    await assertNoLeak(t, before);
  });

  for (const perMessageDeflate of [false, true]) {
    t.test(`${way.what}: large messages, ${perMessageDeflate ? "compressed" : "plain"}`, async (t) => {
      const before = openFds();
      const { client, server, close } = await open(t, way, { perMessageDeflate });
      server.on("message", (data: Buffer) => server.send(data));
      for (const length of [125, 126, 65_535, 65_536, 8_000_000]) {
        const bytes = randomBytes(length);
        t.ok((await echoed(client, bytes)).equals(bytes), `${length} bytes`);
      }
      const ended = once(server, "close");
      client.close(1000, "");
      await ended;
      await close();
      await assertNoLeak(t, before);
    });
  }

  t.test(`${way.what}: 20 MB there and back at the same time, as a stream`, async (t) => {
    const before = openFds();
    const { client, server, close } = await open(t, way);
    const [one, other] = [createWebSocketStream(client), createWebSocketStream(server)];
    other.pipe(other);
    const sent = createHash("sha256");
    const sending = (async () => {
      for (let n = 0; n < PIECES; n++) {
        const piece = randomBytes(PIECE_BYTES);
        sent.update(piece);
        if (!one.write(piece)) await once(one, "drain");
      }
    })();
    // A WebSocket has no half-close: the end is this side's to say, when everything has come back.
    const received = createHash("sha256");
    let left = PIECES * PIECE_BYTES;
    for await (const piece of one.iterator({ destroyOnReturn: false })) {
      received.update(piece);
      left -= piece.length;
      if (left <= 0) break;
    }
    await sending;
    t.equal(left, 0);
    t.equal(received.digest("hex"), sent.digest("hex"));
    one.end();
    await Promise.all([finished(one.resume()), finished(other)]);
    await close();
    await assertNoLeak(t, before);
  });

  t.test(`${way.what}: a peer that is gone without a word`, async (t) => {
    const before = openFds();
    for (const gone of ["client", "server"] as const) {
      const ends = await open(t, way);
      const left = gone === "client" ? ends.server : ends.client;
      const closed = once(left, "close");
      ends[gone].terminate();
      t.equal((await closed)[0], 1006);
      await ends.close();
    }
    await assertNoLeak(t, before);
  });
}
