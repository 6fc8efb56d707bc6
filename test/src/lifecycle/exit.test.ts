// The end of a Worker or of the process, at any step, leaves nothing behind and crashes nothing.
import { existsSync } from "node:fs";
import { listen } from "console-socket";
import t from "tap";
import { consoleActivities } from "../fixtures/lifecycle/console-activities.js";
import { nodeProgram } from "../support/node-program.js";
import { run, start } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";
import { testEnds } from "./ends-while-busy.js";

testEnds(t, consoleActivities);

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
