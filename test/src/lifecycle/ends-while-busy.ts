// The end of a process and of a Worker in the middle of each of some activities (fixtures/lifecycle).
import { once } from "node:events";
import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { Test } from "tap";
import { nodeProgram, programFile } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { run } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";

export function testEnds(t: Test, activities: object): void {
  for (const what of Object.keys(activities)) {
    t.test(`process.exit with ${what}: status 0, no socket file`, async (t) => {
      const path = `${tempDir(t)}/s`;
      const result = await run(t, ...nodeProgram("lifecycle/end-while-busy", [what, path]));
      t.match(result, { status: 0, signal: null, stderr: "" });
      t.notOk(existsSync(path));
    });

    t.test(`Worker.terminate with ${what}: nothing is left open`, async (t) => {
      const path = `${tempDir(t)}/s`;
      const before = openFds();
      const worker = new Worker(programFile("lifecycle/end-while-busy"), { argv: [what, path] });
      await once(worker, "message");
      await worker.terminate();
      await assertNoLeak(t, before);
    });
  }
}
