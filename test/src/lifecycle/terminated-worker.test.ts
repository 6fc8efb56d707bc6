// A receiver in a Worker that is terminated at each of its system calls: faults/worker.ts.
import t from "tap";
import { steppedWorker } from "../support/faults.js";
import { needs } from "../support/requirements.js";

t.test("Worker.terminate at every system call of a receiver", { skip: needs("gcc") }, async (t) => {
  const { status, stdout, stderr } = await steppedWorker(t);
  const [, terminated, clean] = stdout.match(/(\d+) terminated, (\d+) clean\n$/) ?? [];
  t.equal(clean, terminated, stdout + stderr);
  t.ok(Number(terminated) > 30, "its system calls were reached");
  t.equal(status, 0);
});
