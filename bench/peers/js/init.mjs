// init EXEC_TIME ROUNDS INIT ARG...: an init's time from exec to its command's first instruction (median of
// ROUNDS, microseconds), and its resident memory as PID 1 (KiB). SOCKET among ARG becomes
// a socket on which somebody listens. Prints {"time":N,"memory":N,"size":KiB}.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [execTime, rounds, ...given] = process.argv.slice(2);
const scratch = mkdtempSync(join(tmpdir(), "bench-init-"));
const socket = join(scratch, "s");
const stamp = join(scratch, "stamp");
const init = given.map((arg) => (arg === "SOCKET" ? socket : arg));

/** With a harness that listens itself, so that no receiver takes processor time. */
function time() {
  const run = spawnSync(execTime, [socket, rounds, stamp, ...init, execTime, "stamp", stamp], {
    encoding: "utf8",
  });
  if (run.status !== 0) throw new Error(run.stderr);
  const times = run.stdout.trim().split(" ").map(Number);
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
}

/** As PID 1 of a namespace, once the command runs. */
async function memory() {
  rmSync(socket, { force: true });
  // Read by Node, the message would lose its terminal: it waits in the socket.
  const server = createServer({ pauseOnConnect: true }).listen(socket);
  const program = spawn(
    "unshare",
    [..."--user --map-root-user --pid --fork --kill-child".split(" "), ...init, ..."sleep 1000".split(" ")],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  try {
    for (;;) {
      const pid = childOf(program.pid);
      const command = pid && childOf(pid);
      if (command && readFileSync(`/proc/${command}/comm`, "latin1") === "sleep\n") {
        return Number(readFileSync(`/proc/${pid}/smaps_rollup`, "latin1").match(/Rss:\s*(\d+)/)?.[1]);
      }
      if (program.exitCode !== null) throw new Error(`${init[0]} ended with status ${program.exitCode}`);
      await new Promise(setImmediate);
    }
  } finally {
    program.kill("SIGKILL");
    server.close();
  }
}

/** Its first child: none as long as it has none, or is gone. */
function childOf(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ")[0]);
  } catch {
    return 0;
  }
}

try {
  const size = statSync(init[0]).size / 1024;
  console.log(JSON.stringify({ time: time(), memory: await memory(), size }));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
