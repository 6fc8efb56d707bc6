// launch(), its keeper, its runtime and its container: whoever is killed at whatever step, nothing is left behind.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { launch } from "console-socket";
import t from "tap";
import { fakeRuntime, keeperOf, type Parties, stoppedLaunch } from "../support/fake-runtime.js";
import { nodeProgram } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { isAlive, noChildren, start, waitGone } from "../support/processes.js";
import { rejection } from "../support/rejection.js";
import { needs } from "../support/requirements.js";
import { Transcript } from "../support/transcript.js";
import { until } from "../support/until.js";

const skip = needs("python3");

/** Wait until the shell ignores SIGHUP, and is sleep. */
async function sleeps(pid: number): Promise<void> {
  await until(() => readFileSync(`/proc/${pid}/comm`, "latin1") === "sleep\n", { what: "the program to sleep" });
}

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
  const expected: Record<keyof Parties, (step: string) => object> = {
    // The runtime then finds no listener, or has sent its console already, which is hung up.
    reader: (step) =>
      step === "exit"
        ? { exited: { code: null, signal: "SIGHUP" } }
        : { code: "ERR_CONSOLE_RUNTIME", exit: { code: 1 } },
    reaper: () => ({ code: "ERR_CONSOLE_KEEPER" }),
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
            terminal.resume().on("error", () => undefined);
            return { exited: await exited };
          },
          (error) => error,
        );
        const parties = await stoppedLaunch(process.pid);
        process.kill(parties[victim], "SIGKILL");
        await waitGone(parties[victim]);
        if (victim === "reaper") t.match(await launching, expectation(step));
        if (victim !== "runtime") process.kill(parties.runtime, "SIGCONT");
        t.match(await launching, expectation(step));
        for (const pid of Object.values(parties)) await waitGone(pid);
        await noChildren();
        await assertNoLeak(t, before);
      });
    }
  }

  t.test("the reaper while the container runs: the console goes on, and the reader tells the status", async (t) => {
    const before = openFds();
    const container = await launch(fakeRuntime(["sh", "-c", "read x; echo $x $x; exit 9"]));
    const screen = new Transcript(container.terminal);
    const { reaper } = keeperOf(process.pid);
    process.kill(reaper, "SIGKILL");
    await waitGone(reaper);
    container.terminal.write("here\n");
    await screen.shows(/here here/);
    t.strictSame(await container.exited, { code: 9, signal: null });
    t.match(await screen.ended, /here here/);
    await noChildren();
    await assertNoLeak(t, before);
  });

  t.test("the reader while the container runs: it is hung up, and the reaper tells the status", async (t) => {
    const before = openFds();
    const container = await launch(fakeRuntime(["cat"]));
    const failed = once(container.terminal, "error");
    container.terminal.resume();
    process.kill(keeperOf(process.pid).reader, "SIGKILL");
    t.match(await failed, [{ code: "ERR_CONSOLE_KEEPER" }]);
    t.strictSame(await container.exited, { code: null, signal: "SIGHUP" });
    await noChildren();
    await assertNoLeak(t, before);
  });

  t.test("both while the container runs: it is hung up, its status is unknown, and it can be signalled", async (t) => {
    const container = await launch(fakeRuntime(["sh", "-c", "trap '' HUP; exec sleep 1000"]));
    container.terminal.resume().on("error", () => undefined);
    await sleeps(container.pid);
    const { reader, reaper } = keeperOf(process.pid);
    process.kill(reader, "SIGSTOP");
    process.kill(reaper, "SIGKILL");
    process.kill(reader, "SIGKILL");
    await t.rejects(container.exited, { code: "ERR_CONSOLE_KEEPER" });
    t.ok(container.kill("SIGKILL"), "it lives, and kill() says so");
    await waitGone(container.pid);
    t.equal(container.kill(), false);
  });

  t.test("the reader stopped before the runtime fails: launch() settles", async (t) => {
    const before = openFds();
    const argv = fakeRuntime(["cat"], { socket: "", status: 9, stopBefore: "exit" }).concat("{}");
    const launching = rejection(launch(argv, { graceMs: 50 }));
    const { reader, runtime } = await stoppedLaunch(process.pid);
    process.kill(reader, "SIGSTOP");
    process.kill(runtime, "SIGCONT");
    t.match(await launching, { code: "ERR_CONSOLE_RUNTIME", exit: { code: 9 } });
    process.kill(reader, "SIGCONT");
    await noChildren();
    await assertNoLeak(t, before);
  });

  t.test("the reader stopped: leave() settles, and is no hangup", async (t) => {
    const container = await launch(fakeRuntime(["sh", "-c", "exec sleep 1000"]));
    container.terminal.resume();
    await sleeps(container.pid);
    const { reader } = keeperOf(process.pid);
    process.kill(reader, "SIGSTOP");
    await container.leave();
    process.kill(reader, "SIGCONT");
    t.ok(container.kill("SIGUSR1"), "it lives");
    t.strictSame(await container.exited, { code: null, signal: "SIGUSR1" });
    await noChildren();
  });

  t.test("Node lets go while the reader is stopped: it does not wait for it", async (t) => {
    const argv = fakeRuntime(["sh", "-c", "trap '' HUP; exec sleep 1000"]);
    const program = start(t, ...nodeProgram("lifecycle/launch-and-let-go", argv));
    const pid = Number((await program.output(/running (\d+)/))[1]);
    await sleeps(pid);
    const { reader, reaper } = keeperOf(program.pid);
    process.kill(reader, "SIGSTOP");
    program.write("go\n");
    t.equal((await program.ended).status, 0);
    process.kill(reader, "SIGCONT");
    process.kill(pid, "SIGKILL");
    for (const gone of [pid, reaper, reader]) await waitGone(gone);
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

  t.test("Node while the container runs: it is hung up and not killed, and the keeper waits for it", async (t) => {
    const argv = fakeRuntime(["sh", "-c", "trap '' HUP; exec sleep 1000"]);
    const program = start(t, ...nodeProgram("lifecycle/launch-and-stay", argv));
    const pid = Number((await program.output(/running (\d+)/))[1]);
    await sleeps(pid);
    const { reader, reaper } = keeperOf(program.pid);
    process.kill(program.pid, "SIGKILL");
    await program.ended;
    t.ok(isAlive(pid) && isAlive(reader) && isAlive(reaper));
    process.kill(pid, "SIGKILL");
    await waitGone(reaper);
    await waitGone(reader);
  });
});
