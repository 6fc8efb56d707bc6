// Reader or reaper killed at many moments of a launch: the one that is left tells the container's status, or says that it
// is not known, and ends; no process is left.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import t from "tap";
import { descendants, onTerminal, startKeeper } from "../support/keeper.js";
import { From, STATUS_UNKNOWN } from "../support/keeper-client.js";
import { isAlive, waitGone } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";

const MOMENTS = Array.from({ length: 40 }, (_, i) => i);

// The program ends once the kill has been made, whatever became of its terminal.
const script = (end: string): string => `trap '' HUP; echo A; while [ ! -e ${end} ]; do sleep 0.02; done; exit 9`;

for (const victim of ["reader", "reaper"] as const) {
  t.test(
    `console-keeper [the ${victim} is killed at ${MOMENTS.length} moments] tells the status every time`,
    async (t) => {
      const told = { status: 0, unknown: 0, before: 0 };
      for (const moment of MOMENTS) {
        const end = join(tempDir(t), "end");
        const keeper = await startKeeper(t, { argv: onTerminal(script(end)), lingerMs: 100 });
        const reaper = await until(() => firstChild(keeper.pid), { what: "the reaper" });
        await delay(moment);
        const below = descendants(keeper.pid);
        process.kill(victim === "reader" ? keeper.pid : reaper, "SIGKILL");
        writeFileSync(end, "");
        const survivor = victim === "reader" ? keeper.reaper : keeper.reader;
        const exit = await survivor.until(
          () => survivor.records.find(({ kind }) => kind === From.exit) ?? (survivor.ended ? null : undefined),
          "exit",
        );
        if (exit === null) t.fail("the connection ended without a status");
        // The command had not been started, or its terminal had not been made.
        else if (exit.value === STATUS_UNKNOWN) told.unknown++;
        else if (exit.value === 9n << 8n) told.status++;
        else told.before++;
        for (const pid of [...below, keeper.pid, reaper]) await waitGone(pid, 3000);
      }
      t.comment(JSON.stringify(told));
      t.ok(told.status >= MOMENTS.length / 2, "most of them after the program's start");
    },
  );
}

/** Once it runs as a process of its own. */
function firstChild(pid: number): number | undefined {
  return descendants(pid).filter(isAlive)[0];
}
