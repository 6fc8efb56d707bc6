// One container of one runtime, which does not outlive its test.

import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { type BundleOptions, createBundle, ociProcess, type ProcessOptions } from "./bundle.js";
import { childrenOf, processesNaming, waitGone } from "./processes.js";
import type { Runtime } from "./runtimes.js";
import { tempDir } from "./temp-dir.js";
import { until } from "./until.js";

export interface Invocation {
  /** The runtime command's own exit status. */
  status: number | null;
  /** What it printed, stdout and stderr together. */
  output: string;
  /** From the pid file, when it wrote one. */
  pid: number | undefined;
}

let count = 0;

export class Container {
  readonly id: string;
  readonly runtime: Runtime;
  readonly bundle: string;
  /** The runtime's state, pid files and logs. */
  readonly dir: string;
  #calls = 0;

  /**
   * A container that is not started yet. When the test ends, passed or not, it is deleted by force, and the test fails
   * if a process of the runtime or of the container is still there then.
   */
  constructor(t: Test, runtime: Runtime, options: BundleOptions = {}) {
    this.id = `ct-${process.pid}-${++count}`;
    this.runtime = runtime;
    this.bundle = createBundle(t, options);
    this.dir = tempDir(t);
    t.teardown(() => this.#clear(t));
  }

  /** `run --detach`: ends when the program has been started. */
  run(consoleSocket?: string): Promise<Invocation> {
    return this.#start("run", ["--detach", "--bundle", this.bundle], consoleSocket);
  }

  /** `create`: the terminal is sent now, the program starts with `start()`. */
  create(consoleSocket?: string): Promise<Invocation> {
    return this.#start("create", ["--bundle", this.bundle], consoleSocket);
  }

  start(): Promise<Invocation> {
    return this.#call(["start", this.id]);
  }

  /** `exec --tty --detach` of a further program, on a terminal of its own. */
  exec(args: string[], consoleSocket: string): Promise<Invocation> {
    const { execTerminal } = this.runtime;
    return this.#start("exec", ["--detach", ...execTerminal], consoleSocket, args);
  }

  /** The same through `exec --process`, which can also say the terminal's size. */
  execProcess(options: ProcessOptions, consoleSocket: string): Promise<Invocation> {
    const file = join(this.dir, `process-${++this.#calls}.json`);
    writeFileSync(file, JSON.stringify(ociProcess(options)));
    return this.#start("exec", ["--detach", "--process", file], consoleSocket);
  }

  kill(signal = "KILL"): Promise<Invocation> {
    return this.#call(["kill", this.id, signal]);
  }

  /** What `state` says; undefined when the runtime does not know the container. */
  async state(): Promise<{ status: string; pid: number } | undefined> {
    const { status, output } = await this.#call(["state", this.id]);
    return status === 0 ? JSON.parse(output) : undefined;
  }

  /** Wait until the runtime says that the program has ended: it raises no event here. */
  async stopped(): Promise<void> {
    await until(async () => (await this.state())?.status === "stopped", { what: `${this.id} to stop` });
  }

  /** Wait until a process whose command line matches runs in it: of runc and crun, whose processes are seen here. */
  async running(commandLine: RegExp): Promise<void> {
    const init = (await this.state())?.pid ?? 0;
    const matches = (pid: number) => commandLine.test(readFileSync(`/proc/${pid}/cmdline`, "latin1"));
    await until(() => [init, ...childrenOf(init)].some(matches), { what: `${commandLine} in ${this.id}` });
  }

  delete(): Promise<Invocation> {
    return this.#call(["delete", "--force", this.id]);
  }

  /** The command line of a further call, for tests that start the runtime themselves (`launch`, the command in tmux). */
  command(...args: string[]): string[] {
    return [...this.runtime.command(join(this.dir, "root")), ...args];
  }

  async #start(verb: string, options: string[], consoleSocket?: string, args: string[] = []): Promise<Invocation> {
    const pidFile = join(this.dir, `pid-${++this.#calls}`);
    const socket = consoleSocket === undefined ? [] : ["--console-socket", consoleSocket];
    const call = await this.#call([verb, ...options, ...socket, "--pid-file", pidFile, this.id, ...args]);
    return { ...call, pid: existsSync(pidFile) ? Number(readFileSync(pidFile, "utf8")) : undefined };
  }

  async #call(args: string[]): Promise<Invocation> {
    // Into a file: a detached container without a terminal keeps the runtime's stdout, and a pipe would never end.
    const log = join(this.dir, `log-${++this.#calls}`);
    const fd = openSync(log, "w");
    const [command = "", ...rest] = this.command(...args);
    try {
      const status = await new Promise<number | null>((resolve, reject) => {
        // A pipe as standard input: as root, runsc gives what it finds there to nobody, /dev/null too.
        const runtime = spawn(command, rest, { stdio: ["pipe", fd, fd] });
        runtime.stdin?.on("error", () => {}).end();
        runtime.once("error", reject).once("exit", resolve);
      });
      return { status, output: readFileSync(log, "utf8"), pid: undefined };
    } finally {
      closeSync(fd);
    }
  }

  async #clear(t: Test): Promise<void> {
    await this.delete();
    // The state directory is in the command line of runsc's sandbox and gofer; the pid files name the programs.
    const programs = Array.from({ length: this.#calls }, (_, n) => join(this.dir, `pid-${n + 1}`))
      .filter(existsSync)
      .map((file) => Number(readFileSync(file, "utf8")))
      .filter((pid) => pid > 0);
    for (const pid of [...programs, ...processesNaming(this.dir)]) {
      try {
        await waitGone(pid, 5000);
      } catch (error) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // It ended after all.
        }
        t.fail(`${this.runtime.name} left a process behind`, { pid, error: String(error) });
      }
    }
  }
}
