// launch(): how it rejects, and that nothing is left of it.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type LaunchError, type LaunchOptions, launch } from "console-socket";
import t from "tap";
import { fakeRuntime, stoppedLaunch } from "../support/fake-runtime.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { fixture } from "../support/paths.js";
import { childrenOf, isAlive, noChildren, run } from "../support/processes.js";
import { rejection } from "../support/rejection.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";

const skip = needs("python3");

t.test("launch rejects", { skip }, async (t) => {
  const cases: { what: string; argv: string[]; options?: LaunchOptions; error: Record<string, unknown> }[] = [
    {
      what: "[the runtime fails] with its status and its words",
      argv: fakeRuntime(["cat"], { socket: "", status: 9 }).concat("{}"),
      error: {
        code: "ERR_CONSOLE_RUNTIME",
        exit: { code: 9, signal: null },
        output: "runtime.py: failed as told, with 9\n",
        message: "python3 ended with status 9 before it had sent a console: runtime.py: failed as told, with 9",
      },
    },
    {
      what: "[the runtime fails after it has sent a console] a ghost",
      argv: fakeRuntime(["cat"], { status: 1 }),
      error: { code: "ERR_CONSOLE_GHOST", exit: { code: 1, signal: null } },
    },
    {
      what: "[the runtime sends no console]",
      argv: fakeRuntime(["cat"], { socket: "" }).concat("{}"),
      error: { code: "ERR_CONSOLE_NONE", exit: { code: 0 } },
    },
    {
      what: "[the runtime sends no terminal]",
      argv: ["python3", fixture("send-rights.py"), "{}", "null"],
      error: { code: "ERR_CONSOLE_NOT_A_PTY" },
    },
    {
      what: "[no such command]",
      argv: ["no-such-runtime", "{}"],
      error: { code: "ENOENT", syscall: "spawn no-such-runtime", path: "no-such-runtime" },
    },
    { what: "[the command is no program]", argv: ["/etc/passwd", "{}"], error: { code: "EACCES" } },
    {
      what: "[no such directory]",
      argv: ["true", "{}"],
      options: { cwd: "/no/such/directory" },
      error: { code: "ENOENT" },
    },
    {
      what: "[it takes too long]",
      argv: ["sh", "-c", "exec sleep 1000", "sh", "{}"],
      options: { timeoutMs: 50 },
      error: { code: "ERR_CONSOLE_TIMEOUT" },
    },
    {
      what: "[no place for the socket]",
      argv: ["runc", "run", "box"],
      error: { code: "ERR_CONSOLE_INVALID_ARG", message: /Add --console-socket \{\}/ },
    },
    { what: "[no command]", argv: [], error: { code: "ERR_CONSOLE_INVALID_ARG" } },
    { what: "[a NUL]", argv: ["a\0b", "{}"], error: { code: "ERR_CONSOLE_INVALID_ARG" } },
    {
      what: "[a time that is none]",
      argv: ["true", "{}"],
      options: { timeoutMs: 0 },
      error: { code: "ERR_CONSOLE_INVALID_ARG" },
    },
  ];
  for (const { what, argv, options, error } of cases) {
    t.test(what, async (t) => {
      const before = openFds();
      t.match(await rejection<LaunchError>(launch(argv, options)), error);
      await noChildren();
      await assertNoLeak(t, before);
    });
  }

  for (const step of ["connect", "send", "exit"] as const) {
    t.test(`[its signal aborts before the runtime's ${step}] with the reason, and the runtime is ended`, async (t) => {
      const before = openFds();
      const stop = new AbortController();
      const launching = launch(fakeRuntime(["cat"], { stopBefore: step }), { signal: stop.signal, graceMs: 50 });
      const { runtime, container } = await stoppedLaunch(process.pid);
      stop.abort(new Error("enough"));
      await t.rejects(launching, { message: "enough" });
      // The program goes too.
      for (const pid of [runtime, container]) t.notOk(isAlive(pid), "ended by then");
      await noChildren();
      await assertNoLeak(t, before);
    });
  }

  t.test("[its signal aborts while the runtime writes its pid file] and the directory of both goes", async (t) => {
    // It does not heed SIGTERM, and writes as long as there is a place to write to.
    const script = 'trap "" TERM; echo "$2" >"$3"; while [ -e "$3" ] && echo 1 >"$2"; do :; done 2>/dev/null';
    const told = join(tempDir(t), "path");
    const stop = new AbortController();
    const launching = launch(["sh", "-c", script, "sh", "{}", "{pid}", told], { signal: stop.signal, graceMs: 50 });
    const pidFile = await until(() => existsSync(told) && readFileSync(told, "utf8").trim(), { what: "the runtime" });
    await until(() => existsSync(pidFile), { what: "the pid file" });
    stop.abort(new Error("enough"));
    await t.rejects(launching, { message: "enough" });
    t.notOk(existsSync(dirname(pidFile)));
    await noChildren();
  });

  t.test("[a daemon starts the container] it is no child of the command", async (t) => {
    const dir = tempDir(t);
    const asks = 'echo "$1" >"$2/path"; while [ ! -e "$2/done" ]; do sleep 0.01; done';
    const launching = rejection<LaunchError>(launch(["sh", "-c", asks, "sh", "{}", dir]));
    const path = await until(() => existsSync(join(dir, "path")) && readFileSync(join(dir, "path"), "utf8").trim(), {
      what: "the command",
    });
    // This process is the daemon.
    const [python = "", ...args] = fakeRuntime(["sleep", "1000"], { socket: path, pidFile: "" });
    t.equal((await run(t, python, args)).status, 0);
    writeFileSync(join(dir, "done"), "");
    t.match(await launching, { code: "ERR_CONSOLE_PID" });
    // It is hung up.
    await noChildren();
  });

  t.test("[its signal has aborted] with the reason, and starts nothing", async (t) => {
    const signal = AbortSignal.abort(new Error("before"));
    await t.rejects(launch(["true", "{}"], { signal }), { message: "before" });
    t.strictSame(childrenOf(process.pid), []);
  });
});
