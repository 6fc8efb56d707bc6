// Processes by their handles, pipes, memory and counters while system calls fail.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readSync, writeSync } from "node:fs";
import { UnixSocket } from "cmsg";
import { eventfd, memfd, pipe } from "cmsg/create";
import { ProcessHandle } from "cmsg/process";
import { expect, type Operation, Several } from "./expect.js";

async function handled(place: string): Promise<void> {
  const child = spawn("sh", ["-c", "read line; exit 3", place], { stdio: ["pipe", "ignore", "ignore"] });
  const ended = once(child, "exit");
  try {
    using own = ProcessHandle.open(child.pid as number);
    const [one, other] = UnixSocket.pair();
    using _one = one;
    using _other = other;
    await one.send(Buffer.from("p"), [own.fd]);
    using message = await other.receive();
    const [pidfd] = message?.fds ?? [];
    if (!pidfd) throw new Error("no pidfd came");
    using received = ProcessHandle.fromFd(pidfd);
    received.kill("SIGCONT");
    child.stdin?.end("\n");
    const status = await received.exited;
    // Where the kernel did not answer, it is not known.
    expect(status === undefined || status.code === 3, `status 3, not ${status?.signal ?? status?.code}`);
    expect(received.kill("SIGKILL") === false, "nobody to signal");
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}

async function made(): Promise<void> {
  using ends = new Several([...pipe()]);
  const [read, write] = ends.fds;
  using file = memfd("f", { size: 10, seal: ["shrink", "grow"] });
  using event = eventfd(5, { nonBlocking: true });
  writeSync(write?.fd ?? -1, "piped");
  writeSync(file.fd, "filed");
  const bytes = Buffer.alloc(10);
  expect(bytes.toString("utf8", 0, readSync(read?.fd ?? -1, bytes)) === "piped", "what was written to the pipe");
  expect(bytes.toString("utf8", 0, readSync(file.fd, bytes, 0, 10, 0)) === "filed\0\0\0\0\0", "the file's contents");
  readSync(event.fd, bytes, 0, 8, null);
  expect(bytes.readBigUInt64LE() === 5n, "the count");
}

export const handles: Readonly<Record<string, Operation>> = {
  ProcessHandle: handled,
  "pipe, memfd, eventfd": made,
};
