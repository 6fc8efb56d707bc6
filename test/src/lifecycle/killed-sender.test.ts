// console-init, and the program it becomes, killed at every step: strace ends it with SIGKILL at its first system call,
// then at its second, and so on. The listener goes on, nothing is left open, and no process stays behind.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { consoleInitPath } from "console-init";
import { listen } from "console-socket";
import t, { type Test } from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { processesNaming, run } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";

/** How many of each kind of system call a process of `command` makes, at most. */
async function callsOf(t: Test, command: string[]): Promise<Map<string, number>> {
  const directory = tempDir(t);
  await run(t, "strace", ["-ff", "-o", join(directory, "log"), ...command]);
  const most = new Map<string, number>();
  for (const file of readdirSync(directory)) {
    const counts = new Map<string, number>();
    for (const [, call = ""] of readFileSync(join(directory, file), "latin1").matchAll(/^(\w+)\(/gm)) {
      counts.set(call, (counts.get(call) ?? 0) + 1);
    }
    for (const [call, count] of counts) most.set(call, Math.max(count, most.get(call) ?? 0));
  }
  return most;
}

for (const [what, options] of [
  ["console-init", []],
  ["console-init --init, and its child", ["--init"]],
] as const) {
  t.test(`${what}, killed at every system call`, { skip: needs("strace") }, async (t) => {
    const before = openFds();
    const path = join(tempDir(t), "s");
    const command = [consoleInitPath(), "--ptmx", "/dev/ptmx", "--console-socket", path, ...options, "--", "true"];
    const listener = await listen(path);
    let [consoles, refused] = [0, 0];
    listener.on("refused", ({ error }) => {
      refused++;
      t.match(error, { code: "ERR_CONSOLE_NONE" });
    });
    const accepting = (async () => {
      for await (const console of listener) {
        consoles++;
        console.resume();
      }
    })();
    const calls = await callsOf(t, command);
    t.ok(calls.has("sendmsg") && calls.has("connect"), "its steps are seen");
    let killed = 0;
    for (const [call, count] of calls) {
      for (let k = 1; k <= count; k++) {
        const inject = ["-e", `trace=${call}`, "-e", `inject=${call}:signal=KILL:when=${k}`];
        await run(t, "strace", ["-f", "-o", "/dev/null", ...inject, ...command]);
        killed++;
      }
    }
    await until(() => processesNaming(path).length === 0, { what: "what was killed to be gone" });
    // One that is whole goes through, and marks the end of what came before.
    const seen = consoles;
    await run(t, command[0] ?? "", command.slice(1));
    await until(() => consoles > seen, { what: "an honest console" });
    t.ok(
      consoles > 1 && refused > 0,
      `killed ${killed} times: ${consoles} consoles, ${refused} connections without one`,
    );
    listener.close();
    await accepting;
    await assertNoLeak(t, before);
  });
}
