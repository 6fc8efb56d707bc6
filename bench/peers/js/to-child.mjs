// to-child N: as child-send.mjs, with cmsg's UnixStream to a child process that has the socket as descriptor 3.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { UnixSocket, UnixStream } from "../../../packages/cmsg/dist/index.js";

const count = Number(process.argv[2]);
if (process.argv[3] === "child") {
  const receiver = UnixStream.connect({ fd: 3 });
  let left = count;
  receiver.on("fds", (fds) => {
    for (const fd of fds) closeSync(fd);
    left -= fds.length;
    if (left === 0) receiver.end("done");
  });
  receiver.resume();
} else {
  const [one, other] = UnixSocket.pair().map((socket) => socket.release());
  const child = spawn(process.execPath, [process.argv[1], String(count), "child"], {
    stdio: [0, "inherit", "inherit", other],
  });
  closeSync(other);
  const sender = UnixStream.connect({ fd: one });
  const done = once(sender, "data");
  const data = Buffer.alloc(16);
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    if (!sender.writeWithFds(data, [0])) await once(sender, "drain");
  }
  await done;
  console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000 }));
  sender.destroy();
  await once(child, "exit");
}
