// The keeper with real runtimes: the container's status is its own, whichever process its parent was.
import { join } from "node:path";
import t, { type Test } from "tap";
import { Container } from "../support/container.js";
import { type Keeper, startKeeper } from "../support/keeper.js";
import { From, To } from "../support/keeper-client.js";
import { needs } from "../support/requirements.js";
import { type Runtime, runtimes } from "../support/runtimes.js";

interface Run {
  keeper: Keeper;
  container: Container;
}

async function detached(t: Test, runtime: Runtime, script: string): Promise<Run> {
  const container = new Container(t, runtime, { args: ["/bin/sh", "-c", script] });
  const pidFile = join(container.dir, "keeper-pid");
  const files = ["--console-socket", "{}", "--pid-file", pidFile];
  const argv = container.command("run", "--detach", "--bundle", container.bundle, ...files, container.id);
  return {
    keeper: await startKeeper(t, { argv, pidFile, columns: 111, rows: 33, onlcr: false, drainMs: 500 }),
    container,
  };
}

for (const runtime of runtimes) {
  const skip = needs(...runtime.needs);

  t.test(`console-keeper [${runtime.name} run --detach] gives size, output and status`, { skip }, async (t) => {
    const { keeper } = await detached(t, runtime, "read -r line; echo got $line; exit 7");
    t.equal((await keeper.reader.next(From.arrived, 30_000)).payload.subarray(12).toString(), runtime.payload);
    t.equal((await keeper.reaper.next(From.runtimeEnded, 30_000)).value, 0n);
    keeper.reader.type("key\n");
    const exit = await keeper.reader.next(From.exit, 30_000);
    t.equal(exit.value, 7n << 8n);
    t.match(keeper.reader.text, /got key\n$/);
    t.equal((await keeper.reaper.next(From.ended)).value, 7n << 8n);
  });

  t.test(`console-keeper [${runtime.name}, a program that ends at once] tells its status`, { skip }, async (t) => {
    const { keeper } = await detached(t, runtime, "exit 7");
    t.equal((await keeper.reader.next(From.exit, 30_000)).value, 7n << 8n);
  });

  t.test(`console-keeper [${runtime.name}, killed by signal] tells which`, { skip }, async (t) => {
    const { keeper } = await detached(t, runtime, "echo ready; exec sleep 100");
    await keeper.reader.seen(/ready/, 30_000);
    await keeper.reaper.next(From.runtimeEnded, 30_000);
    await keeper.reaper.until(
      () => keeper.reaper.records.find(({ kind, value }) => kind === From.child && value > 0n),
      "the child",
    );
    keeper.reaper.send(To.signal, 9);
    t.equal((await keeper.reader.next(From.exit, 30_000)).value, 9n);
  });

  for (const victim of ["reaper", "reader"] as const) {
    t.test(
      `console-keeper [${runtime.name}, the ${victim} is killed] the other tells the status`,
      { skip },
      async (t) => {
        const script = "trap 'exit 9' HUP; echo ready; while :; do sleep 0.1; done";
        const { keeper, container } = await detached(t, runtime, script);
        await keeper.reader.seen(/ready/, 30_000);
        await keeper.reaper.next(From.runtimeEnded, 30_000);
        if (victim === "reader") {
          process.kill(keeper.pid, "SIGKILL");
          t.equal((await keeper.reaper.next(From.ended, 30_000)).value, 9n << 8n);
        } else {
          process.kill(keeper.reaperPid(), "SIGKILL");
          await keeper.reaper.closed();
          await container.kill("HUP");
          t.equal((await keeper.reader.next(From.exit, 30_000)).value, 9n << 8n);
        }
      },
    );
  }
}
