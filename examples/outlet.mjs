// Lends this terminal (or whatever 0, 1 and 2 are) to the `inner` that listens on SOCKET, and waits until it gives them
// back. Started first, it waits for an inner.
//
//   node examples/outlet.mjs /tmp/socket                  in one window
//   node examples/inner.mjs /tmp/socket                   in another: it speaks, and listens, in the first one
import { watch } from "node:fs";
import { dirname, resolve } from "node:path";
import { UnixSocket } from "cmsg";
import { lend } from "cmsg/stdio";

const [path] = process.argv.slice(2);
if (!path) throw new Error("usage: outlet.mjs SOCKET");

/** connect(2), again whenever something happens in the directory: inner touches its socket once it listens. */
async function connectOnceThere() {
  const watcher = watch(dirname(resolve(path)));
  try {
    for (;;) {
      // Before the attempt, so that what happens between it and the next line counts.
      const changed = new Promise((resolve, reject) => watcher.once("change", resolve).once("error", reject));
      try {
        return await UnixSocket.connect(path);
      } catch (error) {
        if (error.code !== "ENOENT" && error.code !== "ECONNREFUSED") throw error;
        await changed;
      }
    }
  } finally {
    watcher.close();
  }
}

const inner = await connectOnceThere();
try {
  await lend(inner);
} catch (error) {
  // Inner ended while this one was in its queue, and took nothing.
  if (error.code !== "ECONNRESET" && error.code !== "EPIPE") throw error;
  process.exitCode = 1;
} finally {
  inner.close();
}
