// A receiver in a Worker that is terminated at each of its system calls. To be run with fixtures/faults preloaded:
//
//   node worker.js
//
// The Worker stops at the call, is told to end, and only then makes the call: what the call brings has nobody to take it.
// Clean is when the Worker ends, nothing is open that was not, no file is left, whoever sends has ended, and another
// listener can take the same path. The last line is the count.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { UnixSocket } from "cmsg";
import { consoleInitPath } from "console-init";
import { listen } from "console-socket";
import { openFds } from "../support/open-fds.js";
import { processesNaming } from "../support/processes.js";
import { until } from "../support/until.js";
import { type Counts, order, report } from "./steering.js";

async function receive(path: string): Promise<void> {
  // The second one makes a directory, beside that path.
  process.env["TMPDIR"] = dirname(path);
  using _own = await listen();
  const listener = await listen(path);
  const console = await listener.accept();
  listener.close();
  console.resume();
  console.resize(100, 30);
  console.write("exit\n");
  await once(console, "close");
}

/** Sends a console as soon as somebody listens, until the Worker is over. */
async function send(path: string, over: () => boolean): Promise<void> {
  while (!over()) {
    await until(() => over() || existsSync(path), { what: "the socket file" });
    const args = ["--ptmx", "/dev/ptmx", "--console-socket", path, "--", "sh", "-c", "read line", path];
    const [status] = await once(spawn(consoleInitPath(), args, { stdio: "ignore" }), "exit");
    if (status === 0) return;
  }
}

/** Undefined counts: it was held and terminated. */
async function attempt(place: string, instruction: (fd: number) => string): Promise<Counts | undefined> {
  const path = join(place, "s");
  const [here, there] = UnixSocket.pair();
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { path, order: instruction(there.fd) } });
  let over = false;
  let counts: Counts | undefined;
  worker.once("message", (message) => {
    counts = message;
  });
  const ended = once(worker, "exit").then(() => {
    over = true;
  });
  const held = here.receive().then(async (message) => {
    if (!message) return;
    void worker.terminate();
    await here.send(Buffer.from("g"));
  });
  const sent = send(path, () => over);
  await ended;
  there.close();
  await Promise.all([held, sent]);
  here.close();
  return counts;
}

async function main(): Promise<void> {
  let [terminated, clean] = [0, 0];
  let left: string[] = [];
  const run = async (instruction: (fd: number) => string): Promise<Counts | undefined> => {
    const place = mkdtempSync(join(tmpdir(), "w-"));
    const counts = await attempt(place, instruction);
    await until(() => processesNaming(place).length === 0, { what: "who sends to end" });
    left = readdirSync(place);
    const again = await listen(join(place, "s"));
    again.close();
    rmSync(place, { recursive: true });
    return counts;
  };
  await run(() => "count");
  const whole = await run(() => "count");
  if (!whole) throw new Error("the Worker did not end by itself");
  const before = openFds();
  for (const [call, count] of whole) {
    for (let k = 1; k <= count; k++) {
      const counts = await run((fd) => `hold ${call} ${k} ${fd}`);
      if (counts) continue; // not reached
      terminated++;
      const files = left;
      const surplus = () => [...openFds()].filter(([fd, what]) => before.get(fd) !== what);
      const gone = await until(() => surplus().length === 0, { what: "descriptors to close" }).then(
        () => true,
        () => false,
      );
      if (gone && files.length === 0) clean++;
      else process.stdout.write(`FAIL ${call} #${k}: open: ${surplus().join("; ")}; left: ${files.join(" ")}\n`);
    }
  }
  process.stdout.write(`${terminated} terminated, ${clean} clean\n`);
  process.exitCode = terminated > 0 && clean === terminated ? 0 : 1;
}

if (isMainThread) {
  await main();
} else {
  order(workerData.order);
  await receive(workerData.path);
  order("stop");
  parentPort?.postMessage(report().counts);
}
