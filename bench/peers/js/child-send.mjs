// child-send N: Node's own way, a handle and 16 characters to a child process, which closes it. Prints {"seconds":S}.
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

if (process.send) {
  let left;
  process.on("message", (message, handle) => {
    if (!handle) left = message;
    else {
      /** @type {import("node:net").Server} */ (handle).close();
      if (--left === 0) process.disconnect();
    }
  });
} else {
  const count = Number(process.argv[2]);
  const server = createServer().listen({ path: "\0bench-child-send", exclusive: true });
  await once(server, "listening");
  const child = fork(fileURLToPath(import.meta.url));
  child.send(count);
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    if (!child.send("0123456789abcdef", server)) await new Promise((resolve) => setImmediate(resolve));
  }
  await once(child, "disconnect");
  console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000 }));
  server.close();
}
