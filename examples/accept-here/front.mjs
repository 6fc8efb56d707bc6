// Accepts TCP connections, reads the first line, and sends each connection to the worker that the line names: the first
// segment of an HTTP request's path. It never sees a connection again.
//
//   node examples/accept-here/front.mjs WORKERS PORT       WORKERS: the socket that workers connect to
//   node examples/accept-here/worker.mjs WORKERS red       serves /red/…
import { createServer } from "node:net";
import { UnixServer } from "cmsg";

const [path, port] = process.argv.slice(2);
if (!port) throw new Error("usage: front.mjs WORKERS PORT");
const MAX_LINE_BYTES = 8192;
const workers = new Map();

// Records: the bytes and the connection they belong to arrive as one message.
const server = await UnixServer.listen(path, { type: "seqpacket" });
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(0));

const [host, number] = port.includes(":") ? port.split(":") : [undefined, port];
createServer(readFirstLine).listen({ host, port: Number(number) }, () => console.log("front listens"));

function readFirstLine(connection) {
  let seen = Buffer.alloc(0);
  connection.on("error", () => {}); // the client is gone
  connection.on("data", (bytes) => {
    seen = Buffer.concat([seen, bytes]);
    const end = seen.indexOf("\n");
    if (end < 0 && seen.length <= MAX_LINE_BYTES) return;
    const name = seen.toString("latin1", 0, Math.max(end, 0)).match(/^\S+ \/(\w+)/)?.[1];
    const worker = workers.get(name);
    if (!worker) {
      connection.removeAllListeners("data").resume();
      connection.end("HTTP/1.1 503 No such worker\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    // In this turn: send() copies the descriptor at the call, and after destroy() nothing more is read from it here.
    // Everything that was read goes along. Node shows a connection's own descriptor only here.
    worker.send(seen, [connection._handle.fd]).catch((error) => console.error(`${name}: ${error.message}`));
    connection.destroy();
  });
}

for await (const worker of server) register(worker);

async function register(worker) {
  const message = await worker.receive({ maxFds: 0 });
  if (!message) return worker.close();
  const name = String(message.data);
  workers.set(name, worker);
  console.log(`${name} is here`);
  await worker.receive().catch(() => null);
  if (workers.get(name) === worker) workers.delete(name);
  worker.close();
  console.log(`${name} is gone`);
}
