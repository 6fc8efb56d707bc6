// Operations that need a process of their own for each run. It has two descriptors from a service manager, and reports on
// a third.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { UnixServer, UnixSocket } from "cmsg";
import { attempt, type Outcome } from "./attempt.js";
import { operationsAlone } from "./operations/index.js";

const REPORT_FD = 5;
const self = fileURLToPath(import.meta.url);
const temporary = tmpdir();

export async function attemptAlone(name: string, instruction: string): Promise<Outcome> {
  const directory = mkdtempSync(join(temporary, "a-"));
  try {
    using served = await UnixServer.listen(join(directory, "s"));
    using spare = await UnixServer.listen(join(directory, "t"));
    const child = spawn(process.execPath, [self, name, instruction], {
      env: { ...process.env, TMPDIR: directory, FAULTS_SOCKET: served.path },
      stdio: ["ignore", "ignore", "ignore", served.fd, spare.fd, "pipe"],
    });
    const ended = once(child, "close");
    const report = await text(child.stdio.at(REPORT_FD) as Readable);
    const [status, signal] = await ended;
    if (report) return JSON.parse(report);
    return {
      hit: true,
      counts: [],
      problems: [`its process ended with ${signal ?? `status ${status}`}, and no report`],
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

if (process.argv[1] === self) {
  const [, , name = "", instruction = ""] = process.argv;
  // What is opened once and kept is there afterwards.
  const [one, other] = UnixSocket.pair();
  const received = one.receive();
  await other.send(Buffer.from("x"));
  await received;
  for (const end of [one, other]) end.close();
  const operation = operationsAlone[name];
  if (!operation) throw new Error(`no operation ${name}`);
  writeSync(REPORT_FD, JSON.stringify(await attempt(operation, instruction)));
}
