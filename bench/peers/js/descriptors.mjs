// descriptors N FDS [MINUTES]: as descriptors.c, with cmsg. With MINUTES it goes on for so long and prints how memory
// grew: node --expose-gc bench/peers/js/descriptors.mjs 0 1 1
import { OwnedFd, recvmsg, sendmsg, UnixSocket } from "../../../packages/cmsg/dist/index.js";
import { printGrowth } from "./growth.mjs";

const [count, fds, minutes] = process.argv.slice(2).map(Number);
const [one, other] = UnixSocket.pair().map((socket) => new OwnedFd(socket.release()));
const rights = { rights: Array(fds).fill(0) };
const data = Buffer.alloc(16);

function loop(messages) {
  for (let i = 0; i < messages; i++) {
    if (sendmsg(one, data, rights) !== 16) throw new Error("not sent");
    const message = recvmsg(other);
    if (message?.data.length !== 16 || message.fds.length !== fds) throw new Error("not received");
    message[Symbol.dispose]();
  }
}

loop(Math.ceil(20_000 / fds));
if (!minutes) {
  const start = performance.now();
  loop(count);
  console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000 }));
} else {
  await printGrowth(minutes, loop);
}
