// A receiver in a Worker that is terminated at each of its system calls: faults/worker.ts.
import { once } from "node:events";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import t from "tap";
import { steppedWorker } from "../support/faults.js";
import { programFile } from "../support/node-program.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";

t.test("Worker.terminate at every system call of a receiver", { skip: needs("gcc") }, async (t) => {
  const { status, stdout, stderr } = await steppedWorker(t);
  const [, terminated, clean] = stdout.match(/(\d+) terminated, (\d+) clean\n$/) ?? [];
  t.equal(clean, terminated, stdout + stderr);
  t.ok(Number(terminated) > 30, "its system calls were reached");
  t.equal(status, 0);
});

t.test("Worker.terminate removes its socket files and directories, and no other file", async (t) => {
  const directory = tempDir(t);
  const worker = new Worker(programFile("lifecycle/listen-in-worker"), { workerData: { directory } });
  await once(worker, "message");
  const pidFile = () => readdirSync(directory).find((name) => existsSync(`${directory}/${name}/pid`));
  await until(() => pidFile() !== undefined, { what: "the runtime's pid file" });
  t.equal(readdirSync(directory).length, 6, "two directories and four sockets");
  rmSync(`${directory}/replaced`);
  writeFileSync(`${directory}/replaced`, "a stranger's");
  await worker.terminate();
  t.strictSame(readdirSync(directory), ["replaced"]);
});
