// As stream.mjs, with usocket, which loses descriptors when it is written to faster than it can send.
const { closeSync, unlinkSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const { UServer, USocket } = require("usocket");

const count = Number(process.argv[2]);
const path = join(tmpdir(), `bench-usocket-${process.pid}`);
const server = new UServer();
const data = Buffer.alloc(16);
let [bytes, fds, start] = [0, 0, 0];

function finish() {
  console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000, lost: count - fds }));
  unlinkSync(path);
  process.exit(0);
}

server.on("connection", (receiver) => {
  receiver.read(0);
  receiver.on("readable", () => {
    for (;;) {
      const message = receiver.read(undefined, null);
      if (!message?.data && !message?.fds.length) return;
      bytes += message.data?.length ?? 0;
      for (const fd of message.fds) {
        fds++;
        closeSync(fd);
      }
      if (bytes === count * 16) finish();
    }
  });
});
server.listen(path, () => {
  const sender = new USocket();
  sender.connect(path);
  sender.on("connected", async () => {
    start = performance.now();
    for (let i = 0; i < count; i++) {
      sender.write({ data, fds: [0] }); // returns nothing
      if (sender.writableNeedDrain) await new Promise((resolve) => sender.once("drain", resolve));
    }
  });
});
