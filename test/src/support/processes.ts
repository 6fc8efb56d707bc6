// Starting programs and looking at processes. Whatever a test starts is ended with it, by pid.
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { Test } from "tap";
import { until } from "./until.js";

interface Exit {
  status: number | null;
  signal: NodeJS.Signals | null;
}

const STUCK_MS = 2000;

export interface Output extends Exit {
  stdout: string;
  stderr: string;
}

export interface StartOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Further descriptors for the child, as fds 3, 4, …: numbers of this process. */
  fds?: number[];
}

/** A running program whose output is collected. */
export class Program {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Settles when it has exited and its output has ended; never rejects. */
  readonly ended: Promise<Output>;
  stdout = "";
  stderr = "";
  #waiting = new Set<() => void>();
  #over = false;

  constructor(command: string, args: string[], { cwd, env, fds = [] }: StartOptions = {}) {
    this.child = spawn(command, args, { cwd, env, stdio: ["pipe", "pipe", "pipe", ...fds] });
    // No pid: it could not be started, which `ended` tells with status 127 and the reason, as a shell does.
    this.pid = this.child.pid ?? -1;
    this.child.stdin?.on("error", () => {}); // it may end before it has read everything
    this.#collect(this.child.stdout, (text) => {
      this.stdout += text;
    });
    this.#collect(this.child.stderr, (text) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve) => {
      const end = (status: number | null, signal: NodeJS.Signals | null) => {
        this.#over = true;
        this.#changed();
        resolve({ status, signal, stdout: this.stdout, stderr: this.stderr });
      };
      this.child.once("close", end);
      this.child.once("error", (error) => {
        this.stderr += error.message;
        if (this.pid === -1) end(127, null);
      });
    });
  }

  #collect(stream: Readable | null, add: (text: string) => void) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      add(text);
      this.#changed();
    });
  }

  #changed() {
    for (const look of this.#waiting) look();
  }

  /** The first match of `pattern` in stdout or stderr; rejects when the program ends without it, or at the deadline. */
  async output(pattern: RegExp, timeoutMs = 15_000): Promise<RegExpMatchArray> {
    let look = () => {};
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<RegExpMatchArray>((resolve, reject) => {
        const fail = (why: string) => {
          const { stdout, stderr } = this;
          reject(new Error(`${why} without ${pattern}: ${JSON.stringify({ stdout, stderr })}`));
        };
        look = () => {
          const match = this.stdout.match(pattern) ?? this.stderr.match(pattern);
          if (match) resolve(match);
          else if (this.#over) fail("it ended");
        };
        timer = setTimeout(() => fail(`${timeoutMs} ms passed`), timeoutMs);
        this.#waiting.add(look);
        look();
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(look);
    }
  }

  write(text: string | Uint8Array): void {
    this.child.stdin?.write(text);
  }

  endInput(): void {
    this.child.stdin?.end();
  }

  kill(signal: NodeJS.Signals = "SIGTERM"): void {
    this.child.kill(signal);
  }
}

/** Start a program; it is killed when the test ends, if it still runs. */
export function start(t: Test, command: string, args: string[], options?: StartOptions): Program {
  const program = new Program(command, args, options);
  t.teardown(async () => {
    program.kill("SIGKILL");
    // A grandchild that keeps the pipes open is not waited for: `ended` may never come.
    program.child.stdin?.destroy();
    program.child.stdout?.destroy();
    program.child.stderr?.destroy();
    // Killed it is, but it may be stuck in a call that only a later teardown ends (SilentFuse): not for long, then.
    await Promise.race([program.ended, delay(STUCK_MS, undefined, { ref: false })]);
  });
  return program;
}

/** Run a program to its end, with nothing or `input` on its stdin. */
export async function run(
  t: Test,
  command: string,
  args: string[],
  { input = "", ...options }: StartOptions & { input?: string | Uint8Array } = {},
): Promise<Output> {
  const program = start(t, command, args, options);
  program.child.stdin?.end(input);
  return program.ended;
}

/**
 * Does this process still run? A zombie does not: a container's processes are reaped by whoever is init here, which
 * may take its time.
 */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The command name, in parentheses, may itself contain spaces and parentheses.
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

/** Wait until a process that is not a child of this one is gone. */
export async function waitGone(pid: number, timeoutMs?: number): Promise<void> {
  await until(() => !isAlive(pid), { what: `process ${pid} to end`, ...(timeoutMs && { timeoutMs }) });
}

/** Pids of the living children of a process, of all its threads. */
export function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "latin1").split(" "))
      .filter(Boolean)
      .map(Number)
      .filter(isAlive);
  } catch {
    return []; // it ended between the calls
  }
}

/** Wait until every child of this process, a keeper say, is gone. */
export async function noChildren(): Promise<void> {
  await until(() => childrenOf(process.pid).length === 0, { what: "this process's children to end" });
}

/** Pids of living processes with `text` in their command line: a path that only the test knows finds its own. */
export function processesNaming(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(text) && isAlive(pid);
      } catch {
        return false;
      }
    });
}
