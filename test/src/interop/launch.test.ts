// launch() with real runtimes: the container's console, its process, its exit status, and nothing left of it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type LaunchError, launch } from "console-socket";
import t from "tap";
import { Container } from "../support/container.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { childrenOf, isAlive, noChildren, waitGone } from "../support/processes.js";
import { rejection } from "../support/rejection.js";
import { needs } from "../support/requirements.js";
import { runtimes } from "../support/runtimes.js";
import { Transcript } from "../support/transcript.js";

const CONSOLE = ["--console-socket", "{}", "--pid-file", "{pid}"];
// gVisor's container is inside its sandbox: that process's status is not the program's.
for (const runtime of runtimes.filter(({ name }) => name !== "runsc")) {
  t.test(`launch with ${runtime.name}`, { skip: needs(...runtime.needs) }, async (t) => {
    t.test("run --detach: a shell, used; its status; nothing left", async (t) => {
      const before = openFds();
      const box = new Container(t, runtime);
      const argv = box.command("run", "--detach", "--bundle", box.bundle, ...CONSOLE, box.id);
      const { terminal, pid, exited } = await launch(argv, { initialSize: { columns: 101, rows: 33 } });
      t.equal((await box.state())?.pid, pid, "the runtime names the same process");
      const screen = new Transcript(terminal);
      await screen.shows(/# /);
      terminal.write("stty size\n");
      await screen.shows(/^33 101\r$/m);
      terminal.write("exit 42\n");
      t.strictSame(await exited, { code: 42, signal: null });
      await screen.ended;
      t.notOk(isAlive(pid));
      await noChildren();
      await assertNoLeak(t, before);
    });

    t.test("create, then start", async (t) => {
      const box = new Container(t, runtime, { args: ["/bin/sh", "-c", "echo started; exit 3"] });
      const container = await launch(box.command("create", "--bundle", box.bundle, ...CONSOLE, box.id));
      t.equal((await box.state())?.pid, container.pid);
      t.match(await box.start(), { status: 0 });
      t.equal(await new Transcript(container.terminal).ended, "started\r\n");
      t.strictSame(await container.exited, { code: 3, signal: null });
      await noChildren();
    });

    t.test("exec --tty --detach: the program's own status, while the container goes on", async (t) => {
      const box = new Container(t, runtime, { args: ["/bin/sleep", "1000"], terminal: false });
      t.match(await box.run(), { status: 0 });
      const exec = (...program: string[]) =>
        launch(box.command("exec", "--detach", ...runtime.execTerminal, ...CONSOLE, box.id, ...program));
      const one = await exec("/bin/sh", "-c", "read line; exit $line");
      const other = await exec("/bin/sleep", "1000");
      other.terminal.resume();
      one.terminal.resume().write("7\n");
      t.strictSame(await one.exited, { code: 7, signal: null });
      t.ok(other.kill("SIGKILL"));
      t.strictSame(await other.exited, { code: null, signal: "SIGKILL" });
      t.match(await box.state(), { status: "running" });
      await noChildren();
    });

    t.test("a container that another kills", async (t) => {
      const box = new Container(t, runtime, { args: ["/bin/sleep", "1000"] });
      const container = await launch(box.command("run", "--detach", "--bundle", box.bundle, ...CONSOLE, box.id));
      const ended = new Transcript(container.terminal).ended;
      await box.kill();
      t.strictSame(await container.exited, { code: null, signal: "SIGKILL" });
      await ended;
      await noChildren();
    });

    t.test("[no such program] rejects with the runtime's own words", async (t) => {
      const before = openFds();
      const box = new Container(t, runtime, { args: ["/no/such/program"] });
      const error = await rejection<LaunchError>(
        launch(box.command("run", "--detach", "--bundle", box.bundle, ...CONSOLE, box.id)),
      );
      t.match(error, {
        code: runtime.ghost ? "ERR_CONSOLE_GHOST" : "ERR_CONSOLE_RUNTIME",
        message: /no such file|not found/i,
        output: /no such file|not found/i,
      });
      t.not(error.exit.code, 0);
      await noChildren();
      await assertNoLeak(t, before);
    });

    t.test("short-lived programs: each one's output and status arrive", async (t) => {
      for (let status = 0; status < 5; status++) {
        const box = new Container(t, runtime, { args: ["/bin/sh", "-c", `echo ${status}; exit ${status}`] });
        const container = await launch(box.command("run", "--detach", "--bundle", box.bundle, ...CONSOLE, box.id));
        t.equal(await new Transcript(container.terminal).ended, `${status}\r\n`);
        t.match(await container.exited, { code: status });
      }
    });

    t.test("this process's own children and their orphans are left alone", async (t) => {
      const orphaning = spawn("sh", ["-c", "sleep 1000 & echo $!; exit 6"], { stdio: ["ignore", "pipe", "ignore"] });
      const ended = Promise.all([once(orphaning.stdout, "data"), once(orphaning, "exit")]);
      const box = new Container(t, runtime, { args: ["/bin/true"] });
      const container = await launch(box.command("run", "--detach", "--bundle", box.bundle, ...CONSOLE, box.id));
      container.terminal.resume();
      const [[printed], exit] = await ended;
      const orphan = Number(printed);
      t.strictSame(exit, [6, null]);
      await container.exited;
      t.notOk(childrenOf(process.pid).includes(orphan), "it went to init");
      process.kill(orphan, "SIGKILL");
      await waitGone(orphan);
    });
  });
}
