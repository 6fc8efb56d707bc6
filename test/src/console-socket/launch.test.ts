// launch(): a runtime's command, its console, and how the container ended. The runtime here is a script; real ones are
// in interop/launch.test.ts.
import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type LaunchError, type LaunchedContainer, type LaunchOptions, launch } from "console-socket";
import t, { type Test } from "tap";
import { fakeRuntime, keeperOf, stoppedLaunch } from "../support/fake-runtime.js";
import { nodeProgram } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { isAlive, noChildren, start, waitGone } from "../support/processes.js";
import { rejection } from "../support/rejection.js";
import { needs } from "../support/requirements.js";
import { SilentFuse } from "../support/silent-fuse.js";
import { tempDir } from "../support/temp-dir.js";
import { Transcript } from "../support/transcript.js";
import { until } from "../support/until.js";

const skip = needs("python3");

/** Launch, and see to it that the keeper is gone when the test is. */
async function launched(t: Test, argv: string[], options?: LaunchOptions): Promise<LaunchedContainer> {
  const container = await launch(argv, options);
  t.teardown(async () => {
    container.kill("SIGKILL");
    await waitGone(container.pid);
  });
  return container;
}

t.test("launch", { skip }, async (t) => {
  t.test("gives the console, the process and its exit status, and leaves nothing behind", async (t) => {
    const before = openFds();
    const container = await launched(t, fakeRuntime(["sh", "-c", "tty; read status; stty size; exit $status"]), {
      initialSize: { columns: 101, rows: 33 },
    });
    const screen = new Transcript(container.terminal);
    await screen.shows(/\/dev\/pts/);
    t.equal(readFileSync(`/proc/${container.pid}/comm`, "latin1"), "sh\n");
    container.terminal.write("42\n");
    t.strictSame(await container.exited, { code: 42, signal: null });
    t.match(await screen.ended, /^33 101\r\n/m);
    t.equal(container.kill(), false, "an ended process is not signalled");
    await noChildren();
    await assertNoLeak(t, before);
  });

  t.test("a signal that ends the container is its exit", async (t) => {
    const container = await launched(t, fakeRuntime(["sleep", "1000"]));
    container.terminal.resume();
    t.ok(container.kill("SIGUSR1"));
    t.strictSame(await container.exited, { code: null, signal: "SIGUSR1" });
    t.throws(() => container.kill("SIGNONE" as NodeJS.Signals), { code: "ERR_CONSOLE_INVALID_ARG" });
  });

  t.test("a program that has ended before the runtime: its status is known by the pid file", async (t) => {
    const launching = launched(t, fakeRuntime(["sh", "-c", "echo gone; exit 3"], { stopBefore: "exit" }));
    const { runtime, container } = await stoppedLaunch(process.pid);
    await waitGone(container);
    process.kill(runtime, "SIGCONT");
    const ended = await launching;
    t.equal(ended.pid, container);
    t.equal(await new Transcript(ended.terminal).ended, "gone\r\n");
    t.strictSame(await ended.exited, { code: 3, signal: null });
  });

  t.test("without a pid file the terminal tells whose it is", async (t) => {
    const container = await launched(t, fakeRuntime(["sh", "-c", "sleep 1000 & wait"], { pidFile: "" }));
    container.terminal.resume();
    t.match(readFileSync(`/proc/${container.pid}/cmdline`, "latin1"), /^sh/);
    container.kill("SIGKILL");
    t.match(await container.exited, { signal: "SIGKILL" });
  });

  t.test("a wrong pid file does not mislead", async (t) => {
    const script = 'echo 1 >"$2"; shift 2; exec "$@"';
    const argv = ["sh", "-c", script, "sh", "{}", "{pid}", ...fakeRuntime(["sleep", "1000"], { pidFile: "" })];
    const container = await launched(t, argv);
    container.terminal.resume();
    t.match(readFileSync(`/proc/${container.pid}/cmdline`, "latin1"), /^sleep/);
    container.kill("SIGKILL");
    t.match(await container.exited, { signal: "SIGKILL" });
  });

  t.test("a child in the background that keeps the terminal does not keep the console", async (t) => {
    const program = "trap '' HUP; sleep 1000 & echo $!; exit 5";
    const container = await launched(t, fakeRuntime(["sh", "-c", program]));
    const shown = await new Transcript(container.terminal).ended;
    t.strictSame(await container.exited, { code: 5, signal: null });
    process.kill(Number(shown), "SIGKILL");
    await noChildren();
  });

  t.test("leave(): the keeper drains the console until the container ends", async (t) => {
    const dir = tempDir(t);
    const program = 'read x; seq 1 200000; echo done >"$0/done"; read y';
    const container = await launched(t, fakeRuntime(["sh", "-c", program, dir]));
    container.terminal.resume().write("\n");
    await until(() => container.terminal.writableLength === 0, { what: "the input to be written" });
    await container.leave();
    await until(() => existsSync(join(dir, "done")), { what: "the program to write all" });
    t.ok(isAlive(container.pid), "no hangup");
    container.kill("SIGKILL");
    t.match(await container.exited, { signal: "SIGKILL" });
  });

  t.test("replaces {} and {pid} where they are an argument or an option's value, and nothing else", async (t) => {
    const dir = tempDir(t);
    const argv = ["sh", "-c", 'printf "%s\\n" "$@" >"$0/args"; exit 1', dir, "{}", "--x={}", "{pid}", "f() {}", "a={}"];
    await t.rejects(launch(argv));
    const [socket = "", option, pidFile = "", ...rest] = readFileSync(join(dir, "args"), "utf8").split("\n");
    t.ok(socket.startsWith(join(tmpdir(), "console-")));
    t.equal(option, `--x=${socket}`);
    t.equal(dirname(pidFile), dirname(socket));
    t.strictSame(rest, ["f() {}", "a={}", ""]);
    t.notOk(existsSync(dirname(socket)), "the directory is removed");
  });

  t.test("the runtime command has the given directory and environment, and no signal is blocked in it", async (t) => {
    const dir = tempDir(t);
    const script = 'pwd >&2; echo "$WORD" >&2; grep -E "^Sig(Blk|Ign)" /proc/self/status; ls /proc/self/fd; exit 1';
    const options = { cwd: dir, env: { PATH: process.env["PATH"], WORD: "a word" } };
    const error = await rejection<LaunchError>(launch(["sh", "-c", script, "sh", "{}"], options));
    // 3 is the directory that ls reads.
    t.equal(
      error.output,
      `${dir}\na word\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n0\n1\n2\n3\n`,
      "what it printed, in order; no descriptor of the keeper's, and none that this process inherited",
    );
    t.strictSame(error.exit, { code: 1, signal: null });
  });
});

t.test("100 launches at once: each container has its own status, and nothing is left", { skip }, async (t) => {
  const before = openFds();
  const ends = await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      const container = await launch(fakeRuntime(["sh", "-c", `read go; exit ${i}`]));
      container.terminal.resume();
      container.terminal.write("\n");
      return container.exited;
    }),
  );
  t.strictSame(
    ends,
    Array.from({ length: 100 }, (_, code) => ({ code, signal: null })),
  );
  await noChildren();
  await assertNoLeak(t, before);
});

const fuseToo = skip || needs("fuse");
t.test("launch() in a process that holds a file whose close never returns", { skip: fuseToo }, async (t) => {
  const fuse = await SilentFuse.mount(t);
  const program = start(t, ...nodeProgram("console-socket/launch-beside-fuse", [fuse.path, ...fakeRuntime(["true"])]));
  await program.output(/^open$/m);
  await fuse.silence();
  program.write("go\n");
  const [, stall] = await program.output(/^status 0, the event loop stood for at most (\d+) ms$/m);
  t.ok(Number(stall) < 2000, `${stall} ms: hung is as long as the daemon is silent`);
  await fuse.abort();
  t.equal((await program.ended).status, 0);
});

// The size is that of what is shipped.
const another = process.env["CMSG_NATIVE_BUILD"] !== undefined && "CMSG_NATIVE_BUILD names another build";
t.test("the keeper stays small", { skip: skip || another }, async (t) => {
  const container = await launched(t, fakeRuntime(["sleep", "1000"]));
  for (const [name, pid] of Object.entries(keeperOf(process.pid))) {
    const resident = Number(readFileSync(`/proc/${pid}/status`, "latin1").match(/VmRSS:\s+(\d+) kB/)?.[1]);
    t.ok(resident > 0 && resident < 1024, `${name}: ${resident} KiB resident`);
  }
  t.ok(container.kill("SIGKILL"));
  await container.exited;
});
