// The end of a Worker or of the process, at any step, leaves nothing behind and crashes nothing.
import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { listen } from "console-socket";
import t from "tap";
import { consoleActivities } from "../fixtures/lifecycle/console-activities.js";
import { nodeProgram, programFile } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { run, start } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";

for (const what of Object.keys(consoleActivities)) {
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
    worker.on("error", (error) => t.error(error));
    await new Promise((resolve) => worker.once("message", resolve));
    await worker.terminate();
    await assertNoLeak(t, before);
  });
}

t.test("a process whose consoles and sockets have ended ends by itself", async (t) => {
  const result = await run(t, ...nodeProgram("lifecycle/show-one-console", [`${tempDir(t)}/s`]));
  t.match(result, { status: 0, stdout: "hello\r\n", stderr: "" });
});

t.test("SIGKILL leaves a socket file that the next listener replaces", async (t) => {
  const path = `${tempDir(t)}/s`;
  const killed = start(t, ...nodeProgram("lifecycle/listen-until-killed", [path]));
  await killed.output(/there/);
  process.kill(killed.pid, "SIGKILL");
  await killed.ended;
  t.ok(existsSync(path));
  const listener = await listen(path);
  t.equal(listener.path, path);
  listener.close();
  t.notOk(existsSync(path));
});
