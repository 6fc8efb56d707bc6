// The console-socket command as a person uses it: in one window the command, in another the runtime.
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { type IPty, spawn } from "node-pty";
import t, { type Test } from "tap";
import { Container } from "../support/container.js";
import { untilListening } from "../support/listening.js";
import { consoleSocketCommand } from "../support/paths.js";
import { plainNode } from "../support/plain-node.js";
import { isAlive, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { runc } from "../support/runtimes.js";
import { startInWindow, useShell } from "../support/shell-window.js";
import { tempDir } from "../support/temp-dir.js";
import type { Tmux } from "../support/tmux.js";

const skip = needs(...runc.needs, "tmux");

/** The command in a window of its own. */
async function inWindow(t: Test, socket: string): Promise<Tmux> {
  const window = await startInWindow(t, [process.execPath, consoleSocketCommand, socket]);
  await untilListening(socket);
  return window;
}

t.test("console-socket SOCKET in a terminal", { skip }, async (t) => {
  t.test("shows a shell, follows the window's size, and leaves the terminal as it was", async (t) => {
    const socket = join(tempDir(t), "s");
    const window = await inWindow(t, socket);
    const box = new Container(t, runc);
    t.match(await box.run(socket), { status: 0 });
    await window.waitFor(/#$/m);
    t.notOk(existsSync(socket), "after the first console it stops listening");
    await useShell(t, window, { columns: 80, rows: 24 });
    await window.press("C-d");
    const screen = (await window.waitFor(/^status=0$[\s\S]*echoe/m)).input ?? "";
    t.match(screen, /[^-]icanon/, "the terminal is not raw");
    t.match(screen, /[^-]onlcr/);
  });

  t.test("a full-screen program works", async (t) => {
    const socket = join(tempDir(t), "s");
    const window = await inWindow(t, socket);
    const box = new Container(t, runc, { args: ["/bin/sh", "-c", "vi /tmp/note; cat /tmp/note"] });
    t.match(await box.run(socket), { status: 0 });
    await window.waitFor(/^~$/m);
    await window.type("ia line");
    await window.press("Enter");
    await window.type("another");
    await window.waitFor(/^another$/m);
    await window.press("Escape");
    await window.waitFor(/^- /m); // vi's command mode: until then what follows could belong to an escape sequence
    await window.type(":wq");
    await window.press("Enter");
    await window.waitFor(/^a line\nanother\n[\s\S]*status=0$/m);
  });
});

t.test("console-socket SOCKET [nothing has connected yet]", async (t) => {
  const [command, ...node] = plainNode;
  const ends = [
    { how: "Ctrl-C", end: (window: IPty) => window.write("\x03"), signal: constants.signals.SIGINT },
    { how: "a closed window", end: (window: IPty) => window.kill("SIGHUP"), signal: constants.signals.SIGHUP },
  ];
  for (const { how, end, signal } of ends) {
    t.test(`${how} removes the socket and ends the command by that signal`, async (t) => {
      const socket = join(tempDir(t), "s");
      const window = spawn(command, [...node, consoleSocketCommand, socket], {});
      const exit = new Promise<{ signal?: number }>((resolve) => window.onExit(resolve));
      await untilListening(socket);
      end(window);
      t.match(await exit, { signal });
      t.notOk(existsSync(socket));
    });
  }
});

t.test(
  "console-socket --mode null holds and drains any number of consoles",
  { skip: needs(...runc.needs) },
  async (t) => {
    const dir = tempDir(t);
    const socket = join(dir, "s");
    const pidFile = join(dir, "pid");
    const [command, ...node] = plainNode;
    const receiver = start(t, command, [
      ...node,
      consoleSocketCommand,
      "--mode",
      "null",
      "--pid-file",
      pidFile,
      socket,
    ]);
    await untilListening(socket);
    t.equal(Number(readFileSync(pidFile, "utf8")), receiver.pid, "its own pid is there before it listens");
    const boxes = [0, 1, 2].map(() => new Container(t, runc, { args: ["/bin/sh", "-c", "seq 1 50000; sleep 1000"] }));
    for (const box of boxes) t.match(await box.run(socket), { status: 0 });
    // An undrained terminal takes 4 KiB and then blocks its program: sleep is reached only when somebody reads.
    for (const box of boxes) await box.running(/^sleep/);
    t.ok(isAlive(receiver.pid));
    for (const box of boxes) await box.kill();
    receiver.kill("SIGTERM");
    t.match(await receiver.ended, { status: null, signal: "SIGTERM", stdout: "", stderr: "" });
    t.notOk(existsSync(socket), "the socket is removed");
  },
);
