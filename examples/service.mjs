// An HTTP server as a systemd service: it serves the sockets it is started with, or a port of its own without them, and
// tells the manager when it is ready, that it is alive, and when it stops.
//
//   systemd-socket-activate -l 127.0.0.1:8080 node examples/service.mjs
//   node examples/service.mjs 8080
import { once } from "node:events";
import { createServer } from "node:http";
import { barrier, listenFds, listenOn, notify, watchdogTimeoutMs } from "cmsg/systemd";

// Who is started by hand has nobody to tell.
const managed = process.env.NOTIFY_SOCKET !== undefined;
const tell = async (state) => {
  if (managed) await notify(state);
};

const respond = (_request, response) => response.end("Hello from a service.\n");
const servers = [];
const sockets = listenFds();
for (const { fd } of sockets) {
  const server = createServer(respond);
  await listenOn(server, fd);
  servers.push(server);
}
if (sockets.length === 0) {
  const server = createServer(respond).listen(Number(process.argv[2] ?? 8080));
  await once(server, "listening");
  servers.push(server);
}

await tell({ ready: true, status: `${servers.length} sockets` });
const timeout = managed ? watchdogTimeoutMs() : undefined;
// Not a thread of its own: an event loop that hangs is what the watchdog is there to find.
if (timeout) setInterval(() => tell({ watchdog: true }), timeout / 2).unref();

process.once("SIGTERM", async () => {
  await tell({ stopping: true });
  for (const server of servers) server.close();
  // What was told by a process that is gone is dropped.
  if (managed) await barrier();
});
