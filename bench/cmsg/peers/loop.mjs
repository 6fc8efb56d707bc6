// loop N [MINUTES]: as loop.c, with cmsg. With MINUTES it goes on for so long and prints how the heap grew.
import { OwnedFd, recvmsg, sendmsg, UnixSocket } from "../../../packages/cmsg/dist/index.js";

const [one, other] = UnixSocket.pair().map((socket) => new OwnedFd(socket.release()));
const rights = { rights: [0] }; // standard input, as the other peers
const data = Buffer.alloc(16);

function loop(count) {
  for (let i = 0; i < count; i++) {
    if (sendmsg(one, data, rights) !== 16) throw new Error("not sent");
    const message = recvmsg(other);
    if (message.data.length !== 16) throw new Error("not received");
    message.fds[0].close();
  }
}

loop(20_000);
const count = Number(process.argv[2]);
const minutes = Number(process.argv[3] ?? 0);
if (minutes === 0) {
  const start = performance.now();
  loop(count);
  console.log(((performance.now() - start) / 1000).toFixed(6));
} else {
  const used = () => {
    gc();
    return process.memoryUsage().heapUsed;
  };
  const before = used();
  const end = performance.now() + minutes * 60_000;
  let messages = 0;
  while (performance.now() < end) {
    loop(10_000);
    messages += 10_000;
  }
  console.log(JSON.stringify({ messages, heapGrowthBytes: used() - before, rssMiB: process.memoryUsage().rss >> 20 }));
}
