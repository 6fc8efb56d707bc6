// The main job with real runtimes: the library receives a container's console, a person's keystrokes and window size
// go in, everything comes out, and the end of the program is the end of the console.
import { once } from "node:events";
import { join } from "node:path";
import { listen, type PtyConsole } from "console-socket";
import t, { type Test } from "tap";
import { Container } from "../support/container.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { needs } from "../support/requirements.js";
import { runtimes } from "../support/runtimes.js";
import { tempDir } from "../support/temp-dir.js";
import { Transcript } from "../support/transcript.js";

/** A person's session with a busybox shell, from the first prompt to `exit`. */
async function useShell(t: Test, console: PtyConsole, size: string): Promise<void> {
  const screen = new Transcript(console);
  await screen.shows(/# /); // what is typed before is echoed twice: by the terminal and by the shell
  console.write("stty size\n");
  await screen.shows(new RegExp(`^${size}\r$`, "m"));
  console.write("echo $((6*7))\n");
  await screen.shows(/^42\r$/m);
  console.resize(132, 43);
  t.strictSame(console.size, { columns: 132, rows: 43 });
  console.write("stty size\n");
  await screen.shows(/^43 132\r$/m);
  console.write("echo the last; exit\n");
  t.match(await screen.ended, /^the last\r\n$/m, "the program's last bytes arrive");
  t.ok(console.readableEnded && console.destroyed, "the console ended by itself");
}

for (const runtime of runtimes) {
  t.test(runtime.name, { skip: needs(...runtime.needs) }, async (t) => {
    t.test("run --detach [a path of 107 bytes]: the console is used, and ends with the program", async (t) => {
      const before = openFds();
      const dir = tempDir(t);
      const listener = await listen(join(dir, "s".repeat(106 - dir.length)));
      t.equal(listener.path.length, 107);
      const box = new Container(t, runtime, { consoleSize: { columns: 101, rows: 33 } });
      t.match(await box.run(listener.path), { status: 0 });
      const console = await listener.accept();
      listener.close();
      t.equal(console.name, runtime.payload);
      await useShell(t, console, runtime.appliesConsoleSize ? "33 101" : "24 80");
      await assertNoLeak(t, before);
    });

    t.test("create, then start: the console comes first and waits for the program", async (t) => {
      const before = openFds();
      const listener = await listen();
      const box = new Container(t, runtime);
      t.match(await box.create(listener.path), { status: 0 });
      const console = await listener.accept();
      listener.close();
      t.match(await box.start(), { status: 0 });
      await useShell(t, console, "24 80");
      await assertNoLeak(t, before);
    });

    t.test("exec --tty --detach: each program has a console of its own", async (t) => {
      const before = openFds();
      const listener = await listen(undefined, { initialSize: { columns: 90, rows: 30 } });
      const box = new Container(t, runtime, { args: ["/bin/sleep", "1000"], terminal: false });
      t.match(await box.run(), { status: 0 });
      for (const _ of [1, 2]) {
        t.match(await box.exec(["/bin/sh"], listener.path), { status: 0 });
        await useShell(t, await listener.accept(), "30 90");
      }
      t.match(await box.state(), { status: "running" }, "the container itself goes on");
      listener.close();
      await assertNoLeak(t, before);
    });

    t.test("a program that prints much and exits at once loses nothing", async (t) => {
      const before = openFds();
      const listener = await listen();
      const lines = Array.from({ length: 20_000 }, (_, n) => `${n + 1}\r\n`).join("");
      const box = new Container(t, runtime, { args: ["/bin/seq", "1", "20000"] });
      t.match(await box.run(listener.path), { status: 0 });
      const console = await listener.accept();
      listener.close();
      t.ok((await new Transcript(console).ended) === lines, "every byte, in order");
      await assertNoLeak(t, before);
    });

    t.test("destroy() hangs up: a shell that waits for input ends", async (t) => {
      const listener = await listen();
      const box = new Container(t, runtime);
      t.match(await box.run(listener.path), { status: 0 });
      const console = await listener.accept();
      listener.close();
      await new Transcript(console).shows(/# /);
      console.destroy();
      await once(console, "close");
      await box.stopped();
      t.match(await box.state(), { status: "stopped" });
    });

    t.test("[no such program] the runtime fails, and the receiver goes on", async (t) => {
      const before = openFds();
      const listener = await listen();
      const ghost = new Container(t, runtime, { args: ["/no/such/program"] });
      const refused = runtime.ghost ? undefined : once(listener, "refused");
      t.not((await ghost.run(listener.path)).status, 0);
      if (runtime.ghost)
        t.equal(await new Transcript(await listener.accept()).ended, "", "a console that ends at once");
      else t.match(await refused, [{ error: { code: "ERR_CONSOLE_NONE" } }]);
      const box = new Container(t, runtime, { args: ["/bin/echo", "here"] });
      t.match(await box.run(listener.path), { status: 0 });
      t.equal(await new Transcript(await listener.accept()).ended, "here\r\n");
      listener.close();
      await assertNoLeak(t, before);
    });
  });
}
