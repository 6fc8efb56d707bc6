// The runtime's command killed at every step of the exchange: strace ends it with SIGKILL at its first connect(2), its
// first sendmsg(2) and so on. launch() says that it failed, and nothing of it stays.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { launch } from "console-socket";
import t from "tap";
import { Container } from "../support/container.js";
import { fakeRuntime } from "../support/fake-runtime.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { childrenOf, processesNaming } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { runc } from "../support/runtimes.js";
import { tempDir } from "../support/temp-dir.js";
import { countsIn } from "../support/traced.js";
import { until } from "../support/until.js";

const MOST_CLOSES = 6;

// runc that is killed between `create` and `start` leaves an init that waits for `start` for ever, and strace for it.
const timeoutMs = 15_000;

/** How a command under strace ended. */
async function end(options: string[], command: string[]): Promise<{ code: string; signal?: unknown }> {
  try {
    const { terminal, exited } = await launch(["strace", "-f", ...options, ...command], { timeoutMs });
    terminal.resume();
    await exited;
    return { code: "success" };
  } catch (error) {
    const { code, exit } = error as { code: string; exit?: { signal: string | null } };
    return { code, signal: exit?.signal };
  }
}

const inject = (call: string, k: number) => ["-o", "/dev/null", "-e", `inject=${call}:signal=KILL:when=${k}`];
const allGone = (directory: string) =>
  until(() => processesNaming(directory).length === 0 && childrenOf(process.pid).length === 0, {
    what: "the container and its keeper to end",
  });

t.test("a stand-in, killed at every call from its terminal on", { skip: needs("python3", "strace") }, async (t) => {
  const directory = tempDir(t);
  const log = join(directory, "log");
  // The program waits for a line, so only its hangup ends it: nobody keeps a console of a runtime that failed.
  const command = fakeRuntime(["sh", "-c", "read line", directory]);
  const whole = fakeRuntime(["true"]);
  const untilExec = ["-b", "execve"];
  t.match(await end([...untilExec, "-o", log], whole), { code: "success" });
  const before = openFds();
  const seen = new Map<string, number>();
  for (const [call, k] of stepsIn(readFileSync(log, "latin1"))) {
    const { code, signal } = await end([...untilExec, ...inject(call, k)], command);
    t.match(code, /^ERR_CONSOLE_(RUNTIME|GHOST)$/, `${call} #${k}`);
    t.equal(signal, "SIGKILL");
    seen.set(code, (seen.get(code) ?? 0) + 1);
    await allGone(directory);
  }
  t.ok(seen.get("ERR_CONSOLE_RUNTIME") && seen.get("ERR_CONSOLE_GHOST"), `before it had sent, and after: ${[...seen]}`);
  await assertNoLeak(t, before);
});

/** The calls of the first process from where it opens the multiplexer on: each with its number among those of its kind. */
function stepsIn(log: string): [call: string, k: number][] {
  const first = log.match(/^\d+/)?.[0];
  const counts = new Map<string, number>();
  const steps: [string, number][] = [];
  let begun = false;
  for (const [line, pid, call = ""] of log.matchAll(/^(\d+) +(\w+)\(.*$/gm)) {
    if (pid !== first) continue;
    const k = (counts.get(call) ?? 0) + 1;
    counts.set(call, k);
    begun ||= line.includes('"/dev/ptmx"');
    if (begun) steps.push([call, k]);
  }
  return steps;
}

// runc is several processes with several threads, and whichever comes first is the one that is killed.
t.test("runc, killed at the calls of the exchange", { skip: needs(...runc.needs, "strace") }, async (t) => {
  const box = new Container(t, runc, { args: ["/bin/true"] });
  const log = join(box.dir, "log");
  const options = ["--console-socket", "{}", "--pid-file", "{pid}"];
  const command = box.command("run", "--detach", "--bundle", box.bundle, ...options, box.id);
  t.match(await end(["-o", log], command), { code: "success" });
  const counts = new Map(countsIn(readFileSync(log, "latin1")));
  t.match(await box.delete(), { status: 0 });
  await allGone(box.dir);
  const before = openFds();
  const seen = new Set<string>();
  for (const call of ["connect", "sendmsg", "close", "exit_group"]) {
    // Left out of the counts, since it cannot fail.
    const count = call === "exit_group" ? 1 : (counts.get(call) ?? 0);
    t.ok(count > 0, `${call} is one of its steps`);
    // Of the many files that it closes the socket is one.
    for (let k = 1; k <= count; k += call === "close" ? Math.ceil(count / MOST_CLOSES) : 1) {
      const { code } = await end(inject(call, k), command);
      t.match(code, /^(success|ERR_CONSOLE_(RUNTIME|GHOST|NONE|PID|TIMEOUT))$/, `${call} #${k}`);
      seen.add(code);
      await box.delete();
      await allGone(box.dir);
    }
  }
  t.ok(seen.has("ERR_CONSOLE_RUNTIME"), `it was killed: ${[...seen]}`);
  await assertNoLeak(t, before);
});
