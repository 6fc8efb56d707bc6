// launch(), its monitor, its runtime and its container: whoever is killed at whatever step, nothing is left behind.
import { launch } from "console-socket";
import t from "tap";
import { fakeRuntime, type Parties, stoppedLaunch } from "../support/fake-runtime.js";
import { nodeProgram } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { childrenOf, isAlive, noChildren, start, waitGone } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { Transcript } from "../support/transcript.js";

const skip = needs("python3");

t.test("disposing of a launched container hangs up, and its end is still known", { skip }, async (t) => {
  const before = openFds();
  const { exited, pid } = await (async () => {
    using container = await launch(fakeRuntime(["cat"]));
    return container;
  })();
  t.strictSame(await exited, { code: null, signal: "SIGHUP" });
  await waitGone(pid);
  await noChildren();
  await assertNoLeak(t, before);
});

t.test("whoever is killed, and when", { skip }, async (t) => {
  const steps = ["connect", "send", "exit"] as const;
  const expected: Record<"monitor" | "runtime" | "container", (step: string) => object> = {
    monitor: () => ({ code: "ERR_CONSOLE_MONITOR" }),
    runtime: (step) => ({
      code: step === "exit" ? "ERR_CONSOLE_GHOST" : "ERR_CONSOLE_RUNTIME",
      exit: { code: null, signal: "SIGKILL" },
    }),
    container: () => ({ exited: { code: null, signal: "SIGKILL" } }),
  };
  for (const [victim, expectation] of Object.entries(expected) as [keyof Parties, (step: string) => object][]) {
    for (const step of steps) {
      t.test(`the ${victim} before the runtime's ${step}`, async (t) => {
        const before = openFds();
        const launching = launch(fakeRuntime(["cat"], { stopBefore: step })).then(
          async ({ terminal, exited }) => {
            terminal.resume();
            return { exited: await exited };
          },
          (error) => error,
        );
        const parties = await stoppedLaunch(process.pid);
        process.kill(parties[victim], "SIGKILL");
        await waitGone(parties[victim]);
        if (victim === "monitor") t.match(await launching, expectation(step));
        if (victim !== "runtime") process.kill(parties.runtime, "SIGCONT");
        t.match(await launching, expectation(step));
        for (const pid of Object.values(parties)) await waitGone(pid);
        await noChildren();
        await assertNoLeak(t, before);
      });
    }
  }

  t.test("the monitor while the container runs: the console goes on, the status is unknown", async (t) => {
    const container = await launch(fakeRuntime(["cat"]));
    const screen = new Transcript(container.terminal);
    const [monitor = 0] = childrenOf(process.pid);
    process.kill(monitor, "SIGKILL");
    await t.rejects(container.exited, { code: "ERR_CONSOLE_MONITOR" });
    container.terminal.write("still here\n");
    await screen.shows(/still here\r\nstill here/);
    await t.rejects(container.leave(), { code: "ERR_CONSOLE_MONITOR" });
    container.terminal.destroy();
    await waitGone(container.pid);
  });

  for (const step of steps) {
    t.test(`Node before the runtime's ${step}`, async (t) => {
      const argv = fakeRuntime(["cat"], { stopBefore: step });
      const program = start(t, ...nodeProgram("lifecycle/launch-and-stay", argv));
      const parties = await stoppedLaunch(program.pid);
      process.kill(program.pid, "SIGKILL");
      await program.ended;
      process.kill(parties.runtime, "SIGCONT");
      for (const pid of Object.values(parties)) await waitGone(pid);
    });
  }

  t.test("Node while the container runs: it is hung up and not killed, and the monitor waits for it", async (t) => {
    const argv = fakeRuntime(["sh", "-c", "trap '' HUP; exec sleep 1000"]);
    const program = start(t, ...nodeProgram("lifecycle/launch-and-stay", argv));
    const pid = Number((await program.output(/running (\d+)/))[1]);
    const [monitor = 0] = childrenOf(program.pid);
    process.kill(program.pid, "SIGKILL");
    await program.ended;
    t.ok(isAlive(pid) && isAlive(monitor));
    process.kill(pid, "SIGKILL");
    await waitGone(monitor);
  });
});
