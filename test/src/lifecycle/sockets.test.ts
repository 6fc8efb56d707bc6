// cmsg's sockets and streams: the end of a Worker or of the process, at any step, leaves nothing open and crashes
// nothing; and a forgotten descriptor is reported where that was asked for.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import t from "tap";
import { socketActivities } from "../fixtures/lifecycle/socket-activities.js";
import { nodeProgram, programFile } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { run } from "../support/processes.js";
import { testEnds } from "./ends-while-busy.js";

testEnds(t, socketActivities);

t.test("a Worker that ends by itself closes what it forgot", async (t) => {
  const before = openFds();
  const worker = new Worker(programFile("lifecycle/forget-received-descriptors"));
  t.strictSame(await once(worker, "exit"), [0]);
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
