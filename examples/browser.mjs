// A container's terminal in a browser: xterm.js over a WebSocket. Every tab starts a container of its own.
//
//   node examples/browser.mjs [--port N] -- RUNTIME ARGUMENT...
//   node examples/browser.mjs -- runc run -d --bundle /run/box --console-socket {} --pid-file {pid} {id}
//
//   node examples/browser.mjs [--port N] --agent ADDRESS      the debug console of a virtual machine, for every tab one
//
// {} and {pid} are launch()'s, {id} becomes a new name. Bytes travel as binary messages; sizes and the end as JSON.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { asPty, launch } from "console-socket";
import { openDebugConsole } from "console-socket/kata";
import { WebSocketServer } from "ws";

const MOST_UNSENT_BYTES = 1 << 20;

const separator = process.argv.indexOf("--");
const argv = separator === -1 ? [] : process.argv.slice(separator + 1);
const portAt = process.argv.indexOf("--port");
const port = portAt === -1 || (separator !== -1 && portAt > separator) ? 8080 : Number(process.argv[portAt + 1]);
const agentAt = process.argv.indexOf("--agent");
const agent = agentAt === -1 || separator !== -1 ? undefined : process.argv[agentAt + 1];
if (argv.length === 0 && agent === undefined)
  throw new Error("usage: node examples/browser.mjs [--port N] (--agent ADDRESS | -- RUNTIME ARGUMENT...)");

const require = createRequire(import.meta.url);
const page = `<!doctype html>
<meta charset="utf-8"><title>container</title><link rel="stylesheet" href="/xterm.css">
<style>html, body, #terminal { margin: 0; height: 100%; background: black }</style>
<div id="terminal"></div>
<script type="module">
  import { Terminal } from "/xterm.mjs";
  const terminal = new Terminal();
  terminal.open(document.getElementById("terminal"));
  const socket = new WebSocket("ws://" + location.host);
  socket.binaryType = "arraybuffer";
  const send = (message) => socket.readyState === WebSocket.OPEN && socket.send(message);
  const fit = () => {
    const { width, height } = document.querySelector(".xterm-screen").getBoundingClientRect();
    const columns = Math.floor((innerWidth * terminal.cols) / width);
    terminal.resize(Math.max(columns, 2), Math.max(Math.floor((innerHeight * terminal.rows) / height), 1));
    send(JSON.stringify({ columns: terminal.cols, rows: terminal.rows }));
  };
  socket.onopen = fit;
  window.onresize = fit;
  terminal.onData((text) => send(new TextEncoder().encode(text)));
  socket.onmessage = ({ data }) => {
    if (typeof data !== "string") return terminal.write(new Uint8Array(data));
    terminal.write("\\r\\n[" + JSON.parse(data).end + "]");
  };
  terminal.focus();
</script>`;

const files = {
  "/": ["text/html", page],
  "/xterm.mjs": ["text/javascript", readFileSync(require.resolve("@xterm/xterm/lib/xterm.mjs"))],
  "/xterm.css": ["text/css", readFileSync(require.resolve("@xterm/xterm/css/xterm.css"))],
};

const server = createServer((request, response) => {
  const [type, body] = files[request.url] ?? [];
  response.writeHead(body ? 200 : 404, { "content-type": type ?? "text/plain" }).end(body ?? "not found");
});

function listeningPort() {
  return /** @type {import("node:net").AddressInfo} */ (server.address()).port;
}

// Any page may open a WebSocket to this machine; only our own page may have a container.
const ours = ({ req }) =>
  ["localhost", "127.0.0.1"].some((host) => req.headers.origin === `http://${host}:${listeningPort()}`);

function start(signal) {
  if (agent !== undefined) return openDebugConsole(agent, { signal });
  const id = `browser-${randomUUID()}`;
  return launch(
    argv.map((argument) => (argument === "{id}" ? id : argument)),
    { signal },
  );
}

// Nobody tells how a debug console's shell ended.
function howItEnded(/** @type {{ exitCode: number, signal?: number }} */ { exitCode, signal }) {
  if (exitCode === -1) return "ended";
  return signal ? `ended by signal ${signal}` : `exit ${exitCode}`;
}

new WebSocketServer({ server, verifyClient: ours }).on("connection", async (socket) => {
  const end = (text) => socket.send(JSON.stringify({ end: text }), () => socket.close());
  const gone = new AbortController();
  socket.on("close", () => gone.abort());
  try {
    const terminal = asPty(await start(gone.signal), { encoding: null });
    socket.on("close", () => terminal.destroy());
    socket.on("message", (data, isBinary) => {
      if (isBinary) return terminal.write(data);
      const { columns, rows } = JSON.parse(data);
      terminal.resize(columns, rows);
    });
    terminal.onData((bytes) => {
      socket.send(bytes, () => socket.bufferedAmount < MOST_UNSENT_BYTES && terminal.resume());
      if (socket.bufferedAmount >= MOST_UNSENT_BYTES) terminal.pause();
    });
    terminal.onExit((exit) => end(howItEnded(exit)));
  } catch (error) {
    end(error.message);
  }
});

server.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${listeningPort()}`));
