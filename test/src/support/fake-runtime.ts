// The command line of fixtures/runtime.py, a runtime that needs no root: for launch().
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fixture } from "./paths.js";
import { childrenOf } from "./processes.js";
import { until } from "./until.js";

export interface FakeRuntimeOptions {
  stopBefore?: "connect" | "send" | "exit" | undefined;
  status?: number;
  socket?: string;
  pidFile?: string;
}

/** `command` on a terminal of this machine; needs("python3"). */
export function fakeRuntime(command: string[], options: FakeRuntimeOptions = {}): string[] {
  const { stopBefore, status, socket = "{}", pidFile = "{pid}" } = options;
  return [
    ...[python(), fixture("runtime.py"), socket, pidFile],
    ...(stopBefore ? ["--stop-before", stopBefore] : []),
    ...(status === undefined ? [] : ["--status", String(status)]),
    ...["--", ...command],
  ];
}

let interpreter: string | undefined;

// The interpreter itself: where `python3` is a script that looks for one, each start takes its time, and strace's options
// mean the script.
function python(): string {
  interpreter ??= spawnSync("python3", ["-c", "import sys; sys.stdout.write(sys.executable)"]).stdout.toString();
  return interpreter;
}

export interface Parties {
  reader: number;
  reaper: number;
  runtime: number;
  container: number;
}

/** The two processes of the one launch of `node`. */
export function keeperOf(node: number): { reader: number; reaper: number } {
  const reader = childrenOf(node).find((pid) => commandOf(pid).includes("console-keeper")) ?? 0;
  const [reaper = 0] = childrenOf(reader);
  return { reader, reaper };
}

/** Wait until the runtime that `node` has launched has stopped itself: who takes part. Of one launch at a time. */
export async function stoppedLaunch(node: number): Promise<Parties> {
  return until(
    () => {
      const { reader, reaper } = keeperOf(node);
      const [runtime] = reaper ? childrenOf(reaper) : [];
      if (!reader || !reaper || !runtime || stateOf(runtime) !== "T") return undefined;
      // What it wrote into its pid file; the program may have ended by now.
      const [, , , pidFile = ""] = commandOf(runtime).split("\0");
      return { reader, reaper, runtime, container: Number(readFileSync(pidFile, "utf8")) };
    },
    { what: "the launched runtime to stop" },
  );
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "latin1");
}

function stateOf(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return stat.slice(stat.lastIndexOf(")") + 2)[0];
}
