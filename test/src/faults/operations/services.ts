// What is told to a service manager, and standard streams that are lent, while system calls fail.
import { UnixSocket } from "cmsg";
import { borrow, lend } from "cmsg/stdio";
import { barrier, notify, storeFds } from "cmsg/systemd";
import { openPty } from "console-init";
import { expect, type Operation, somebody, together } from "./expect.js";

async function tell(path: string): Promise<void> {
  using manager = await UnixSocket.bind(path);
  process.env["NOTIFY_SOCKET"] = path;
  await notify({ ready: true });
  using message = await manager.receive();
  expect(String(message?.data) === "READY=1", "READY=1");
}

async function store(path: string): Promise<void> {
  using manager = await UnixSocket.bind(path);
  process.env["NOTIFY_SOCKET"] = path;
  using file = somebody();
  await storeFds("state", [file, file], { poll: false });
  using message = await manager.receive();
  const lines = String(message?.data).split("\n");
  expect(
    lines.join() === "FDSTORE=1,FDNAME=state,FDPOLL=0" && message?.fds.length === 2,
    "three lines and two descriptors",
  );
}

async function wait(path: string): Promise<void> {
  using manager = await UnixSocket.bind(path);
  process.env["NOTIFY_SOCKET"] = path;
  const taken = async (): Promise<void> => {
    using message = await manager.receive();
    expect(String(message?.data) === "BARRIER=1" && message?.fds.length === 1, "BARRIER=1 with a descriptor");
  };
  const giveUp = new AbortController();
  // A manager that nobody told anything waits; who tells nothing does not.
  await together([barrier({ signal: giveUp.signal }), taken()], () => {
    giveUp.abort();
    manager.close();
  });
}

async function lent(): Promise<void> {
  using pty = openPty({ ptmx: "/dev/ptmx" });
  const [lender, borrower] = UnixSocket.pair();
  using _lender = lender;
  using _borrower = borrower;
  using file = somebody();
  const take = async (): Promise<void> => {
    using stdio = await borrow(borrower);
    expect(new Set(stdio.stdio).size === 3, "three descriptors");
    stdio.close();
    borrower.close();
  };
  await together([lend(lender, { fds: [pty.peer, file, file] }), take()], () => {
    lender.close();
    borrower.close();
  });
}

export const services: Readonly<Record<string, Operation>> = {
  "systemd notify": tell,
  "systemd storeFds": store,
  "systemd barrier": wait,
  "stdio lend, borrow": lent,
};
