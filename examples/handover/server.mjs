// An HTTP server whose next version takes its listening socket over while requests come in. Start it again with the
// same CONTROL, and the one that runs hands over, finishes what it has and leaves.
//
//   node examples/handover/server.mjs CONTROL ADDRESS VERSION      ADDRESS: a port, host:port, or a socket's path
import { renameSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { Server } from "node:net";
import { UnixServer, UnixSocket } from "cmsg";
import { listenOn } from "cmsg/systemd";

const [control, address, version] = process.argv.slice(2);
if (!version) throw new Error("usage: server.mjs CONTROL ADDRESS VERSION");

let leaving = false;
const server = createServer((_request, response) => {
  // From the hand-over on every connection ends with an answer: to close one that is idle may cut a request that is
  // on its way.
  if (leaving) response.setHeader("Connection", "close");
  response.end(`version ${version}\n`);
});

function listenAnew() {
  return new Promise((/** @type {(_?: undefined) => void} */ resolve, reject) => {
    server.once("error", reject);
    if (!address.includes("/")) {
      const [port, host] = address.split(":").reverse();
      server.listen({ port: Number(port), host }, resolve);
      return;
    }
    // Node removes the file it bound when it closes the socket, and so would take the successor's address away. It
    // does not know this name.
    const bound = `${address}.${process.pid}`;
    server.listen(bound, () => {
      renameSync(bound, address);
      resolve();
    });
  });
}

/** Takes the listening socket of the one that runs; returns false when none does. */
async function takeFrom() {
  let running;
  try {
    running = await UnixSocket.connect(control);
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ECONNREFUSED") return false;
    throw error;
  }
  const message = await running.receive({ maxFds: 1 });
  if (!message?.fds[0]) throw new Error("the one that runs sent no socket");
  await listenOn(server, message.fds[0]);
  // Both accept now. The other one stops when it reads this, and gives the control socket's name free.
  try {
    await running.send(Buffer.from("serving"));
    await running.receive();
  } catch (error) {
    // It died with the socket already here.
    if (error.code !== "EPIPE" && error.code !== "ECONNRESET") throw error;
  } finally {
    running.close();
  }
  return true;
}

/** Node shows a server's own descriptor only in this place, which its types do not have. */
function descriptorOf(server) {
  return server._handle.fd;
}

/** Hands over to the first successor that says it serves. One that fails before has changed nothing. */
async function awaitSuccessor() {
  const successors = await UnixServer.listen(control);
  process.once("SIGTERM", () => {
    successors.close();
    if (address.includes("/")) rmSync(address);
    leave();
  });
  for await (const successor of successors) {
    try {
      await successor.send(Buffer.from("listener"), [descriptorOf(server)]);
      if (!(await successor.receive())) continue;
      successors.close();
      leave();
    } catch (error) {
      console.error(`a successor failed: ${error.message}`);
    } finally {
      successor.close();
    }
  }
}

function leave() {
  leaving = true;
  // Not http's own close(), which also closes connections that are idle. The process ends with the last of them.
  Server.prototype.close.call(server, () => console.log(`${version} leaves`));
}

if (!(await takeFrom())) await listenAnew();
const successors = awaitSuccessor();
console.log(`${version} serves`);
await successors;
