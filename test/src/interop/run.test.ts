// `console-socket run` as a person uses it: a detached container in a window, as if in the foreground.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import t from "tap";
import { Container } from "../support/container.js";
import { consoleSocketCommand } from "../support/paths.js";
import { plainNode } from "../support/plain-node.js";
import { childrenOf, isAlive, processesNaming, run, start, waitGone } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { runc, runtimes } from "../support/runtimes.js";
import { startInWindow, useShell } from "../support/shell-window.js";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";

const [ENV, ...NODE] = plainNode;

/** The command line that runs the container in the foreground. Its sockets are where `leftovers` looks. */
function runCommand(box: Container, ...options: string[]): [string, ...string[]] {
  const runtime = box.command("run", "--detach", "--bundle", box.bundle, "--console-socket", "{}", box.id);
  return [...inDirectory(box.dir), consoleSocketCommand, "run", ...options, "--", ...runtime];
}

/** Node with a place of its own for temporary files: other tests have theirs beside it. */
function inDirectory(dir: string): [string, ...string[]] {
  return ["env", `TMPDIR=${dir}`, ENV, ...NODE];
}

/** The command itself, among the processes with the container's name in their arguments. */
function commandOf(box: Container): number {
  const argument = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0")[1];
  const pid = processesNaming(box.id).find((pid) => argument(pid) === consoleSocketCommand);
  if (!pid) throw new Error("the command does not run");
  return pid;
}

const isRaw = (tty: string) => /-icanon/.test(spawnSync("stty", ["-a", "-F", tty], { encoding: "utf8" }).stdout);
const leftovers = (dir: string) => readdirSync(dir).filter((name) => name.startsWith("console-"));

for (const runtime of runtimes.filter(({ name }) => name !== "runsc")) {
  t.test(`console-socket run with ${runtime.name}`, { skip: needs(...runtime.needs, "tmux") }, async (t) => {
    t.test("a shell: size, resize, Ctrl-C, the container's exit status, the terminal as it was", async (t) => {
      const box = new Container(t, runtime);
      const window = await startInWindow(t, runCommand(box), { columns: 90, rows: 28 });
      await useShell(t, window, { columns: 90, rows: 28 }, () => box.running(/^sleep/));
      await window.type("exit 42");
      await window.press("Enter");
      const screen = (await window.waitFor(/^status=42$[\s\S]*echoe/m)).input ?? "";
      t.match(screen, /[^-]icanon/, "the terminal is not raw");
      t.match(screen, /[^-]onlcr/);
      t.strictSame(leftovers(box.dir), []);
    });

    t.test("vi and top", async (t) => {
      const box = new Container(t, runtime, { args: ["/bin/sh", "-c", "vi /tmp/note; cat /tmp/note; top -d 1000"] });
      const window = await startInWindow(t, runCommand(box));
      await window.waitFor(/^~$/m);
      await window.type("ia line");
      await window.waitFor(/^a line$[\s\S]*^I /m);
      await window.press("Escape");
      await window.waitFor(/^- /m); // until then what follows could belong to an escape sequence
      await window.type(":wq");
      await window.press("Enter");
      await window.waitFor(/^ *PID[\s\S]*top -d 1000/m);
      await window.press("q");
      await window.waitFor(/^status=0$/m);
    });

    t.test("a paste of lines of 200 columns arrives whole", async (t) => {
      const box = new Container(t, runtime);
      const window = await startInWindow(t, runCommand(box), { columns: 220, rows: 40 });
      await window.waitFor(/#$/m);
      await window.type("cat >/tmp/pasted");
      await window.press("Enter");
      await box.running(/^cat/);
      const lines = Array.from({ length: 20 }, (_, n) => String.fromCharCode(97 + n).repeat(200));
      await window.type(`${lines.join("\n")}\n`);
      await window.waitFor(new RegExp(`^${lines[19]}$`, "m"));
      await window.press("C-d");
      await window.type("wc -lc /tmp/pasted; uniq /tmp/pasted | cut -c 1 | tr -d '\\n'; echo");
      await window.press("Enter");
      await window.waitFor(/^ +20 +4020 \/tmp\/pasted\nabcdefghijklmnopqrst$/m);
      await window.press("C-d");
      await window.waitFor(/^status=0$/m);
    });

    t.test("detach keys: the container goes on, read empty, until it ends; nothing stays", async (t) => {
      const box = new Container(t, runtime, { args: ["/bin/sh", "-c", "read x; seq 1 50000; exec sleep 1000"] });
      const window = await startInWindow(t, runCommand(box));
      await until(async () => (await box.state())?.status === "running", { what: "the container" });
      const keeper = await until(
        () => childrenOf(commandOf(box)).find((pid) => processesNaming("console-keeper").includes(pid)),
        { what: "the keeper" },
      );
      const tty = await window.tty();
      await until(() => isRaw(tty), { what: "the terminal to be raw" });
      await window.press("Enter", "C-p", "C-q");
      await window.waitFor(/^status=0$/m);
      t.notOk(isRaw(tty));
      await box.running(/^sleep/);
      t.ok(isAlive(keeper));
      await box.kill();
      await waitGone(keeper);
    });
  });
}

t.test("console-socket run [killed by a signal]", { skip: needs(...runc.needs, "tmux") }, async (t) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) {
    t.test(`${signal}: the terminal is restored, the container hung up, the status is the signal's`, async (t) => {
      const box = new Container(t, runc);
      const record = join(box.dir, "record");
      const window = await startInWindow(t, runCommand(box, "--record", record));
      await window.waitFor(/#$/m);
      process.kill(commandOf(box), signal);
      const screen = await window.waitFor(new RegExp(`status=${128 + constants.signals[signal]}$[\\s\\S]*echoe`, "m"));
      t.match(screen.input, /[^-]icanon/);
      t.match(readFileSync(record, "utf8"), /"version":3.*\n[\s\S]*"o".*# /, "the recording is complete");
      await box.stopped();
      t.strictSame(leftovers(box.dir), []);
    });
  }

  t.test("SIGTSTP and SIGCONT: the terminal is the person's meanwhile", async (t) => {
    const box = new Container(t, runc);
    const window = await startInWindow(t, runCommand(box));
    await window.waitFor(/#$/m);
    const tty = await window.tty();
    const pid = commandOf(box);
    t.ok(isRaw(tty));
    process.kill(pid, "SIGTSTP");
    await until(() => / T /.test(readFileSync(`/proc/${pid}/stat`, "latin1")), { what: "the command to stop" });
    t.notOk(isRaw(tty));
    process.kill(pid, "SIGCONT");
    await until(() => isRaw(tty), { what: "the terminal to be raw again" });
    await window.type("exit 3");
    await window.press("Enter");
    await window.waitFor(/^status=3$/m);
  });

  t.test("before the runtime has sent a console: the runtime ends too, and nothing is left", async (t) => {
    const dir = tempDir(t);
    const script = 'echo $$ >"$0/pid"; exec sleep 1000';
    const [env, ...node] = inDirectory(dir);
    const command = start(t, env, [...node, consoleSocketCommand, "run", "--", "sh", "-c", script, dir, "{}"]);
    await until(() => existsSync(join(dir, "pid")) && readFileSync(join(dir, "pid"), "utf8"), { what: "the runtime" });
    command.kill("SIGINT");
    t.match(await command.ended, { signal: "SIGINT", stdout: "", stderr: "" });
    await waitGone(Number(readFileSync(join(dir, "pid"), "utf8")));
    t.strictSame(leftovers(dir), []);
  });
});

t.test("console-socket run without a terminal", { skip: needs(...runc.needs) }, async (t) => {
  const command = ([command, ...args]: [string, ...string[]]) => run(t, command, args);
  const program = (script: string) => new Container(t, runc, { args: ["/bin/sh", "-c", script] });

  // A program that writes at once can be faster than any receiver: these wait for a line first, which is echoed.
  t.test("passes bytes, without CR; the exit status is the container's", async (t) => {
    const argv = runCommand(program("read go; echo one; echo two; exit 7"));
    t.match(await run(t, ENV, argv.slice(1), { input: "go\n" }), { status: 7, stdout: "go\none\ntwo\n", stderr: "" });
  });

  t.test("--onlcr keeps it", async (t) => {
    t.match(await command(runCommand(program("echo one"), "--onlcr")), { status: 0, stdout: "one\r\n" });
  });

  t.test("a signal that ended the container is 128 and its number", async (t) => {
    t.match(await command(runCommand(program("trap - USR1; kill -9 $$; exec sleep 0"))), { status: 0 }, "PID 1 cannot");
    const box = new Container(t, runc, { args: ["/bin/sleep", "1000"] });
    const running = start(t, ENV, runCommand(box).slice(1));
    await until(async () => (await box.state())?.status === "running", { what: "the container" });
    await box.running(/^\/bin\/sleep/);
    await box.kill();
    t.match(await running.ended, { status: 137, stderr: "" });
  });

  t.test("--size, --json", async (t) => {
    const argv = runCommand(program("read go; stty size"), "--size", "101x33", "--json");
    const { status, stdout, stderr } = await run(t, ENV, argv.slice(1), { input: "go\n" });
    t.match({ status, stdout }, { status: 0, stdout: "go\n33 101\n" });
    const events = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    t.match(events, [
      { event: "console", pid: Number },
      { event: "ended", code: 0, signal: null },
    ]);
  });

  t.test("what is typed comes from standard input; --no-stdin types nothing", async (t) => {
    const script = "read word; echo got $word";
    const box = program(script);
    t.match(await run(t, ENV, runCommand(box).slice(1), { input: "it\n" }), { stdout: /got it\n/ });
    const other = program("read -t 1 word; echo got $word");
    t.match(await run(t, ENV, runCommand(other, "--no-stdin").slice(1), { input: "it\n" }), { stdout: /got\n/ });
  });

  t.test("failures: one line, and the status says whose", async (t) => {
    const box = new Container(t, runc, { args: ["/no/such/program"] });
    const line = (text: string) => new RegExp(`^console-socket: ${text}.*\n$`);
    const ghost = await command(runCommand(box));
    t.match(ghost, { status: 125, stdout: "", stderr: line(".*runc ended with status 1 after.*no such file") });
    const json = await command(runCommand(box, "--json"));
    t.match(JSON.parse(json.stderr), {
      event: "error",
      code: "ERR_CONSOLE_GHOST",
      exit: { code: 1 },
      output: /no such/,
    });
    const cases: { args: string[]; status: number; stderr: RegExp }[] = [
      { args: ["--", "no-such-runtime", "{}"], status: 127, stderr: line("spawn no-such-runtime ENOENT") },
      { args: ["--", "/etc/passwd", "{}"], status: 126, stderr: line("spawn /etc/passwd EACCES") },
      { args: ["--", "false", "{}"], status: 125, stderr: line("false ended with status 1 before") },
      { args: ["--", "true", "{}"], status: 125, stderr: line("Expected true to send a console") },
      { args: ["--", "runc"], status: 125, stderr: line('Expected \\{\\} among the arguments of "runc"') },
      {
        args: ["--timeout", "0.1", "--", "sh", "-c", "exec sleep 1000", "sh", "{}"],
        status: 125,
        stderr: line("Expected the runtime command .* within 100 ms"),
      },
    ];
    for (const { args, ...expected } of cases)
      t.match(await command([...inDirectory(box.dir), consoleSocketCommand, "run", ...args]), {
        stdout: "",
        ...expected,
      });
    t.strictSame(leftovers(box.dir), []);
  });
});
