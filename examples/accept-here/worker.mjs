// Serves connections that the front accepted, as if it had accepted them itself.
import { createServer } from "node:http";
import { Socket } from "node:net";
import { UnixSocket } from "cmsg";

const [path, name] = process.argv.slice(2);
if (!name) throw new Error("usage: worker.mjs WORKERS NAME");

const server = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += chunk;
  const { remoteAddress, remotePort } = request.socket;
  response.end(
    `${name} ${process.pid}: ${request.method} ${request.url} ${body} from ${remoteAddress}:${remotePort}\n`,
  );
});

const front = await UnixSocket.connect(path, { type: "seqpacket" });
await front.send(Buffer.from(name));
for await (const { data, fds } of front) {
  const [fd] = fds;
  if (!fd) continue;
  const connection = new Socket({ fd: fd.release() });
  // What the front read is read here again, before what comes.
  connection.unshift(data);
  server.emit("connection", connection);
}
