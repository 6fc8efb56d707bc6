// stream N [MINUTES]: N messages of 16 bytes with a descriptor each, from one UnixStream to another in the same process.
// Prints {"seconds":S,"lost":descriptors}. With MINUTES it goes on for so long and prints how memory grew:
// node --expose-gc bench/peers/js/stream.mjs 0 1
import { closeSync } from "node:fs";
import { UnixServer, UnixStream } from "../../../packages/cmsg/dist/index.js";
import { printGrowth } from "./growth.mjs";

const [count, minutes] = process.argv.slice(2).map(Number);
const address = { abstract: `bench-${process.pid}` };
const server = await UnixServer.listen(address);
const sender = UnixStream.connect({ path: address });
const receiver = UnixStream.connect({ fd: (await server.accept()).release() });
server.close();

let [bytes, fds, expected] = [0, 0, 0];
let done;
receiver.on("fds", (received) => {
  fds += received.length;
  for (const fd of received) closeSync(fd);
});
receiver.on("data", (data) => {
  bytes += data.length;
  if (bytes === expected) done();
});

const data = Buffer.alloc(16);
async function pass(messages) {
  expected += messages * 16;
  const all = new Promise((resolve) => {
    done = resolve;
  });
  for (let i = 0; i < messages; i++) {
    if (!sender.writeWithFds(data, [0])) await new Promise((resolve) => sender.once("drain", resolve));
  }
  await all;
}

if (!minutes) {
  const start = performance.now();
  await pass(count);
  console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000, lost: count - fds }));
} else {
  await pass(20_000);
  await printGrowth(minutes, pass);
}
sender.destroy();
receiver.destroy();
