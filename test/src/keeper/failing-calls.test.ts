// Each system call of both processes fails once, or is the last one of its process, under strace. Whatever fails, the
// creator's connections end soon, a container's status or the reason why there is none is told, and no process is left.
import { join } from "node:path";
import t, { type Test } from "tap";
import { descendants, type Keeper, onTerminal, startKeeper } from "../support/keeper.js";
import { From, To } from "../support/keeper-client.js";
import { waitGone } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";
import { Tracing, untraceable } from "../support/traced.js";
import { until } from "../support/until.js";

const skip = needs("strace") || untraceable;

// Of the beginning, when nobody can be told yet but by the exit status: the sockets and the start record.
const EARLY = new Set(["getsockopt", "fcntl", "recvmsg", "sendto", "epoll_ctl"]);

// No failure of these is told by anything: what they do is good to have, or cannot fail with these arguments.
const UNSEEN = new Set(["close", "setsid", "dup2", "chdir", "sched_setscheduler", "setsockopt", "shutdown", "unlink"]);

interface Outcome {
  counts: [call: string, count: number][];
  hit: boolean;
  told: boolean;
  status: number | string;
}

/** One container whose program ends after a key, with strace's `options`. */
async function attempt(t: Test, options: string[]): Promise<Outcome> {
  const directory = tempDir(t);
  const argv = onTerminal("echo A; read -r line; exit 7");
  const tracing = new Tracing(join(directory, "trace"), options);
  let keeper: Keeper;
  try {
    keeper = await startKeeper(t, { argv, columns: 111, rows: 33, onlcr: false, drainMs: 300, lingerMs: 300 });
  } finally {
    tracing.end();
  }
  const { reader, reaper } = keeper;
  for (const { stream } of [reader, reaper]) stream.on("error", () => undefined);
  let typed = false;
  let stopped = false;
  reader.onOutput = () => {
    if (!typed) reader.type("\n");
    typed = true;
  };
  const saw = (kind: number): boolean => [...reader.records, ...reaper.records].some((one) => one.kind === kind);
  const below = new Set<number>();
  await until(
    () => {
      for (const pid of descendants(keeper.pid)) below.add(pid);
      if (saw(From.refused) && !stopped) reaper.send(To.stop);
      stopped = stopped || saw(From.refused);
      return reader.ended && reaper.ended;
    },
    { what: () => `the end with ${options.join(" ")}; ${reader.records.map(({ kind }) => kind)}`, timeoutMs: 8000 },
  );
  const status = await keeper.exited;
  for (const pid of below) await waitGone(pid, 3000);
  const told = [From.exit, From.notStarted, From.error].some(saw);
  await until(() => descendants(process.pid).length === 0, { what: "the tracer to end" });
  return { ...tracing.seen(), told, status };
}

t.test(
  "console-keeper [each system call fails once] ends, and tells the creator",
  { skip, timeout: 300_000 },
  async (t) => {
    const { counts, told } = await attempt(t, []);
    t.ok(told);
    let hits = 0;
    for (const [call, count] of counts) {
      if (UNSEEN.has(call)) continue;
      for (let when = 1; when <= count; when++) {
        const outcome = await attempt(t, ["-e", `inject=${call}:error=ENOMEM:when=${when}`]);
        if (outcome.hit) hits++;
        const early = outcome.status === 125 && EARLY.has(call);
        t.ok(outcome.told || early, `${call}, its call ${when}: told, or 125; status ${outcome.status}`);
      }
    }
    t.ok(hits > 40, `${hits} calls failed`);
  },
);

t.test("console-keeper [killed at each system call] leaves no process", { skip, timeout: 300_000 }, async (t) => {
  const { counts } = await attempt(t, []);
  const told = { status: 0, nothing: 0 };
  for (const [call, count] of counts) {
    for (let when = 1; when <= count; when++) {
      // It counts in each process, so a call that both make ends both: then nobody tells the status.
      const outcome = await attempt(t, ["-e", `inject=${call}:signal=KILL:when=${when}`]);
      if (outcome.told) told.status++;
      else told.nothing++;
    }
  }
  t.comment(JSON.stringify(told));
  t.ok(told.status > 20, "calls that only one of them makes");
});
