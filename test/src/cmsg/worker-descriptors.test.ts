// Descriptors that Node.js tracks for a Worker: it closes what fs opened there, once more, when the Worker ends.
import { once } from "node:events";
import { closeSync, fstatSync, openSync } from "node:fs";
import { Worker } from "node:worker_threads";
import t from "tap";
import { programFile } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";

t.test(
  "close [a number of fs.openSync, in a Worker]: the Worker's end closes nothing that has the number since",
  async (t) => {
    const before = openFds();
    const warnings: unknown[] = [];
    const warned = (warning: Error) => warnings.push(warning.message);
    process.on("warning", warned);
    const worker = new Worker(programFile("cmsg/close-what-fs-opened"), { stderr: true });
    let stderr = "";
    worker.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const [number] = (await once(worker, "message")) as [number];
    const opened: number[] = [];
    // The kernel gives the lowest free number.
    do opened.push(openSync("/etc/hostname", "r"));
    while ((opened.at(-1) as number) < number);
    t.equal(opened.at(-1), number, "it was free");
    worker.postMessage("end");
    await once(worker, "exit");
    t.doesNotThrow(() => fstatSync(number), "it is open still");
    for (const fd of opened) closeSync(fd);
    process.off("warning", warned);
    t.strictSame({ warnings, stderr }, { warnings: [], stderr: "" });
    await assertNoLeak(t, before);
  },
);
