// The console-socket command killed at every step of receiving: strace ends it with SIGKILL at its first socket(2), bind(2)
// and so on. Whoever sends to it ends too, and the socket file that stays keeps nobody from listening there again.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { consoleInitPath } from "console-init";
import { listen } from "console-socket";
import t, { type Test } from "tap";
import { consoleSocketCommand } from "../support/paths.js";
import { plainNode } from "../support/plain-node.js";
import { processesNaming, run, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";

const STEPS = ["socket", "fchmod", "bind", "listen", "accept4", "recvmsg", "unlink"];

/** A receiver under strace and a sender, until both have ended; status and signal of both. */
async function exchange(t: Test, path: string, options: string[]) {
  const strace = ["-f", ...options, ...plainNode, consoleSocketCommand, "--no-stdin", path];
  const receiving = start(t, "strace", strace);
  let over = false;
  receiving.ended.then(() => {
    over = true;
  });
  await until(() => over || existsSync(path), { what: "the socket file, or the receiver's end" });
  // It may be bound and not listening yet: then nobody is there, as for any runtime that is too early.
  let sent = await run(t, consoleInitPath(), ["--ptmx", "/dev/ptmx", "--console-socket", path, "--", "true"]);
  while (!over && sent.status !== 0) {
    sent = await run(t, consoleInitPath(), ["--ptmx", "/dev/ptmx", "--console-socket", path, "--", "true"]);
  }
  return { received: await receiving.ended, sent };
}

t.test("the receiver killed at every step", { skip: needs("strace") }, async (t) => {
  const directory = tempDir(t);
  const log = join(directory, "log");
  const whole = await exchange(t, join(directory, "whole"), ["-o", log, "-e", `trace=${STEPS}`]);
  t.match([whole.received.status, whole.sent.status], [0, 0]);
  // strace counts the calls of each thread apart.
  const calls = [...readFileSync(log, "latin1").matchAll(/^(\d+) +(\w+)\(/gm)];
  const threads = [...new Set(calls.map(([, thread]) => thread))];
  for (const call of STEPS) {
    const ofThread = (id?: string) => calls.filter(([, thread, name]) => thread === id && name === call).length;
    const count = Math.max(...threads.map(ofThread));
    t.ok(count > 0, `${call} is one of its steps`);
    for (let k = 1; k <= count; k++) {
      const path = join(directory, `${call}-${k}`);
      const inject = ["-e", `trace=${call}`, "-e", `inject=${call}:signal=KILL:when=${k}`];
      const { received } = await exchange(t, path, ["-o", "/dev/null", ...inject]);
      t.equal(received.signal, "SIGKILL", `killed at ${call} #${k}`);
      await until(() => processesNaming(path).length === 0, { what: "the sender to end" });
      const again = await listen(path);
      t.equal(again.path, path);
      again.close();
    }
  }
});

t.test(
  "a signal that ends the receiver, as early as its socket is there, leaves no socket",
  { skip: needs("strace") },
  async (t) => {
    for (const call of ["bind", "listen"]) {
      const path = join(tempDir(t), "s");
      const inject = ["-f", "-o", "/dev/null", "-e", `trace=${call}`, "-e", `inject=${call}:signal=HUP`];
      const { signal, stderr } = await run(t, "strace", [...inject, ...plainNode, consoleSocketCommand, path]);
      t.strictSame([signal, stderr], ["SIGHUP", ""], call);
      t.notOk(existsSync(path), call);
    }
  },
);
