// cmsg's sockets and streams: the end of a Worker or of the process, at any step, leaves nothing open and crashes
// nothing; and a forgotten descriptor is reported where that was asked for.
import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import t from "tap";
import { socketActivities } from "../fixtures/lifecycle/socket-activities.js";
import { nodeProgram, programFile } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { run } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";

for (const what of Object.keys(socketActivities)) {
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

t.test("a Worker that ends by itself closes what it forgot", async (t) => {
  const before = openFds();
  const worker = new Worker(programFile("lifecycle/forget-received-descriptors"));
  worker.on("error", (error) => t.error(error));
  t.equal(await new Promise((resolve) => worker.once("exit", resolve)), 0);
  await assertNoLeak(t, before);
});

t.test("NODE_DEBUG=cmsg: a forgotten OwnedFd is reported once, with who called for it", async (t) => {
  const env = { ...process.env, NODE_DEBUG: "cmsg" };
  const { stderr, status } = await run(t, ...nodeProgram("lifecycle/forget-descriptors", [], ["--expose-gc"]), { env });
  t.equal(status, 0);
  const reports = stderr.split(/^CMSG \d+: /m).slice(1);
  t.equal(reports.length, 3, stderr);
  for (const [file, called, by] of [
    ["/proc/uptime", "new OwnedFd", "make"],
    ["/proc/version", "UnixSocket.receive", "forgetOne"],
    ["/proc/stat", "recvFile", "forgetWhatItWaitedFor"],
  ] as const) {
    const report = reports.find((each) => each.includes(`(${file})`));
    t.match(report, /^descriptor \d+ \(.*\) was forgotten: .* never closed\..* It came from\n/);
    const [, first, second] = report?.split("\n") ?? [];
    t.match(first, new RegExp(`^ +at (async )?${called} `), file);
    t.match(second, new RegExp(`^ +at (async )?${by} `), file);
  }
});

t.test("without NODE_DEBUG nothing is said, and nothing tracked", async (t) => {
  const result = await run(t, ...nodeProgram("lifecycle/count-finalizers", [], ["--expose-gc"]));
  t.match(result, { status: 0, stdout: "0\n", stderr: "" });
});
