// stream N: N messages of 16 bytes with a descriptor each, from one UnixStream to another in the same process. Prints
// {"seconds":S,"lost":descriptors}.
import { closeSync } from "node:fs";
import { UnixServer, UnixStream } from "../../../packages/cmsg/dist/index.js";

const count = Number(process.argv[2]);
const address = { abstract: `bench-${process.pid}` };
const server = await UnixServer.listen(address);
const sender = UnixStream.connect({ path: address });
const receiver = UnixStream.connect({ fd: (await server.accept()).release() });
server.close();

let [bytes, fds] = [0, 0];
receiver.on("fds", (received) => {
  fds += received.length;
  for (const fd of received) closeSync(fd);
});
const done = new Promise((resolve) => {
  receiver.on("data", (data) => {
    bytes += data.length;
    if (bytes === count * 16) resolve();
  });
});

const data = Buffer.alloc(16);
const start = performance.now();
for (let i = 0; i < count; i++) {
  if (!sender.writeWithFds(data, [0])) await new Promise((resolve) => sender.once("drain", resolve));
}
await done;
console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000, lost: count - fds }));
sender.destroy();
receiver.destroy();
