// What can be done once in a process, or changes it for good: each run has a process of its own (../alone.ts).
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { connect, createServer } from "node:net";
import { UnixSocket } from "cmsg";
import { lend, takeOver } from "cmsg/stdio";
import { listenFds, listenOn } from "cmsg/systemd";
import { expect, type Operation, somebody, together } from "./expect.js";

/** The first socket that was passed serves; the second is not used. */
async function activated(): Promise<void> {
  Object.assign(process.env, { LISTEN_PID: `${process.pid}`, LISTEN_FDS: "2", LISTEN_FDNAMES: "served:spare" });
  const [served, spare] = listenFds();
  using _spare = spare?.fd;
  using _served = served?.fd;
  expect(served?.name === "served" && spare?.name === "spare", "two named sockets");
  const server = createServer((socket) => socket.end("hello"));
  try {
    await listenOn(server, served?.fd as NonNullable<typeof served>["fd"]);
    let text = "";
    const client = connect(process.env["FAULTS_SOCKET"] ?? "").on("data", (bytes) => {
      text += bytes;
    });
    await once(client, "close");
    expect(text === "hello", `"hello", not ${JSON.stringify(text)}`);
  } finally {
    server.close();
  }
}

async function tookOver(): Promise<void> {
  const [lender, borrower] = UnixSocket.pair();
  using _lender = lender;
  using _borrower = borrower;
  using file = somebody();
  const take = async (): Promise<void> => {
    await takeOver(borrower);
    borrower.close();
  };
  await together([lend(lender, { fds: [file, file, file] }), take()], () => {
    lender.close();
    borrower.close();
  });
  const standard = [0, 1, 2].map((fd) => readlinkSync(`/proc/self/fd/${fd}`));
  expect(new Set(standard).size === 1 && standard[0] === "/proc/version", `what was lent, not ${standard}`);
}

export const alone: Readonly<Record<string, Operation>> = {
  "systemd listenFds, listenOn": activated,
  "stdio takeOver": tookOver,
};
