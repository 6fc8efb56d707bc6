// Speaks and listens on the standard streams that an `outlet` lends.
//
//   node examples/inner.mjs SOCKET                 takes them over itself, once: a small dialogue
//   node examples/inner.mjs SOCKET COMMAND ARG...  runs COMMAND on those of every outlet in turn, until interrupted
import { spawn } from "node:child_process";
import { once } from "node:events";
import { utimesSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { UnixServer } from "cmsg";
import { borrow, takeOver } from "cmsg/stdio";

const [path, command, ...args] = process.argv.slice(2);
if (!path) throw new Error("usage: inner.mjs SOCKET [COMMAND ARG...]");
// Not console.error: Node would open the terminal for itself, and the take-over would come too late.
const say = (text) => writeSync(2, `inner: ${text}\n`);

const server = await UnixServer.listen(path);
// Who watches the directory saw the file when it was bound, before it listened: tell once more.
utimesSync(path, new Date(), new Date());
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(0));
say(`listening on ${path}`);

/** Resolves when the outlet is gone. */
async function gone(outlet) {
  try {
    while (await outlet.receive());
  } catch {
    // Closed from this side.
  }
}

async function runCommand(outlet) {
  const streams = await borrow(outlet);
  const child = spawn(command, args, { stdio: streams.stdio });
  streams.close();
  // As a terminal that is closed does it.
  gone(outlet).then(() => child.kill("SIGHUP"));
  await once(child, "close");
}

async function dialogue(outlet) {
  await takeOver(outlet);
  const { columns = "?", rows = "?" } = process.stdout;
  console.log(`inner ${process.pid} speaks here, ${process.stdout.isTTY ? `${columns}x${rows}` : "no terminal"}.`);
  const lines = createInterface({ input: process.stdin });
  gone(outlet).then(() => lines.close());
  for await (const line of lines) {
    if (line === "bye") break;
    console.log(`inner heard: ${line}`);
  }
  console.log("inner leaves.");
}

for await (const outlet of server) {
  try {
    if (!command) {
      server.close();
      await dialogue(outlet);
      process.exit();
    }
    await runCommand(outlet);
  } catch (error) {
    say(error.message);
    if (!command) process.exit(1);
  } finally {
    outlet.close();
  }
}
