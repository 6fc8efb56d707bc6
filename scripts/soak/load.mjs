// What happens to the one listener and its process: consoles that are held, that come and go, that flood, containers, and
// peers that keep to nothing. Every byte of whatever behaves is compared.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UnixSocket } from "cmsg";
import { consoleInitPath, openPty } from "console-init";
import { launch, listen, PtyConsole } from "console-socket";
import { writeBundle } from "./bundle.mjs";

const between = (least, most) => least + Math.floor(Math.random() * (most - least + 1));

/** What `seq 1 last` shows on a terminal. */
function counted(last) {
  return Array.from({ length: last }, (_, n) => `${n + 1}\r\n`).join("");
}

async function compare(console, expected, what) {
  const chunks = [];
  for await (const chunk of console) chunks.push(chunk);
  const seen = Buffer.concat(chunks).toString("latin1");
  if (seen !== expected) throw new Error(`${what}: ${seen.length} bytes came, ${expected.length} were written`);
  return seen.length;
}

/** Terminals of this process, each with a console; now and then one says something. */
export class Held {
  #terminals = [];
  #turn = 0;
  bytes = 0;

  constructor(count) {
    for (let n = 0; n < count; n++) {
      const { ptmx, peer } = openPty({ ptmx: "/dev/ptmx" });
      const terminal = { peer, console: PtyConsole.fromFd(ptmx), seen: "" };
      terminal.console.on("data", (chunk) => {
        terminal.seen += chunk.toString("latin1");
      });
      this.#terminals.push(terminal);
    }
  }

  /** Each of the next `count` says its number, and it alone shows that. */
  async speak(count) {
    for (let n = 0; n < Math.min(count, this.#terminals.length); n++) {
      const index = this.#turn++ % this.#terminals.length;
      const terminal = this.#terminals[index];
      const text = `this is ${index}`;
      terminal.seen = "";
      writeSync(terminal.peer.fd, text);
      while (terminal.seen.length < text.length) await once(terminal.console, "data");
      if (terminal.seen !== text) throw new Error(`held console ${index} showed ${JSON.stringify(terminal.seen)}`);
      this.bytes += text.length;
    }
  }

  async end() {
    const closed = this.#terminals.map(({ console }) => once(console, "close"));
    for (const { peer } of this.#terminals) peer.close();
    await Promise.all(closed);
  }
}

/** A program of the host behind console-init: a short one, or a flood. */
export async function program(most) {
  const last = between(1, most);
  const listener = await listen();
  try {
    const args = ["--ptmx", "/dev/ptmx", "--console-socket", listener.path, "--", "seq", "1", String(last)];
    const child = spawn(consoleInitPath(), args, { stdio: "ignore" });
    const exited = once(child, "exit");
    const bytes = await compare(await listener.accept(), counted(last), `seq 1 ${last}`);
    const [status] = await exited;
    if (status !== 0) throw new Error(`console-init ended with ${status}`);
    return bytes;
  } finally {
    listener.close();
  }
}

let containers = 0;

/** A container of `runtime`, from its start to its removal. */
export async function container(runtime) {
  const last = between(1, 5000);
  const directory = mkdtempSync(join(tmpdir(), "soak-"));
  const id = `soak-${process.pid}-${++containers}`;
  const command = [...runtime, "--root", join(directory, "state")];
  try {
    writeBundle(directory, ["seq", "1", String(last)]);
    const args = ["run", "--detach", "--bundle", directory, "--console-socket", "{}", id];
    const started = await launch([...command, ...args]);
    const bytes = await compare(started.console, counted(last), `${id}, seq 1 ${last}`);
    const { code } = await started.exited;
    if (code !== 0) throw new Error(`${id} ended with ${code}`);
    return bytes;
  } finally {
    const [name, ...rest] = [...command, "delete", "--force", id];
    await once(spawn(name, rest, { stdio: "ignore" }), "exit");
    rmSync(directory, { recursive: true });
  }
}

/** What peers do that bring no console. Each is refused. */
const misdeeds = {
  silent: async () => undefined,
  closes: async (socket) => socket.close(),
  noDescriptor: (socket) => socket.send(Buffer.from("/dev/ptmx")),
  noise: (socket) => socket.send(Buffer.from(Array.from({ length: between(1, 8000) }, () => between(0, 255)))),
  wrongFile: (socket) => sendOpened(socket, "name", ["/dev/null"]),
  twoFiles: (socket) => sendOpened(socket, "name", ["/dev/null", "/dev/zero"]),
  longName: (socket) => sendOpened(socket, "n".repeat(5000), ["/dev/ptmx"]),
  escapes: (socket) => sendOpened(socket, "\u001b[2J\u001b]0;title\u0007", ["/proc/self/status"]),
};

async function sendOpened(socket, name, paths) {
  const fds = paths.map((path) => openSync(path, "r"));
  try {
    await socket.send(Buffer.from(name), fds);
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

/** All of them at one listener, which then still receives a good one. */
export async function hostile() {
  const listener = await listen(undefined, { silentPeerTimeoutMs: 500 });
  try {
    const names = Object.keys(misdeeds);
    let left = names.length;
    const refused = new Promise((done) => {
      listener.on("refused", () => {
        if (--left === 0) done();
      });
    });
    const sockets = await Promise.all(
      names.map(async (name) => {
        const socket = await UnixSocket.connect(listener.path);
        await misdeeds[name](socket);
        return socket;
      }),
    );
    await refused;
    for (const socket of sockets) socket.close();
    return names.length;
  } finally {
    listener.close();
  }
}
