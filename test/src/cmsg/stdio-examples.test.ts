// examples/outlet.mjs and examples/inner.mjs, as two people run them in two windows.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { repository } from "../support/paths.js";
import { plainNode } from "../support/plain-node.js";
import { run, start, waitGone } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { startInWindow } from "../support/shell-window.js";
import { tempDir } from "../support/temp-dir.js";

const outlet = [...plainNode, join(repository, "examples/outlet.mjs")] as const;
const inner = [...plainNode, join(repository, "examples/inner.mjs")] as const;
const [command] = plainNode;

/** An inner that listens. */
async function startInner(t: Test, socket: string, ...args: string[]) {
  const program = start(t, command, [...inner.slice(1), socket, ...args]);
  await program.output(/listening/);
  return program;
}

for (const first of ["outlet", "inner"]) {
  t.test(`outlet and inner [${first} first] share a terminal`, { skip: needs("tmux") }, async (t) => {
    const socket = join(tempDir(t), "s");
    const early = first === "inner" ? await startInner(t, socket) : undefined;
    const window = await startInWindow(t, [...outlet, socket], { columns: 90, rows: 30 });
    const program = early ?? start(t, command, [...inner.slice(1), socket]);
    await window.waitFor(new RegExp(`inner ${early ? program.pid : "\\d+"} speaks here, 90x30\\.`));
    await window.type("hello there");
    await window.press("Enter");
    await window.waitFor(/^inner heard: hello there$/m);
    await window.type("bye");
    await window.press("Enter");
    await window.waitFor(/^inner leaves\.\nstatus=0$/m);
    t.match(await program.ended, { status: 0, stdout: "", stderr: /^inner: listening on .*\n$/ });
  });
}

t.test("outlet [inner dies, and leaves the terminal raw] restores it", { skip: needs("tmux") }, async (t) => {
  const socket = join(tempDir(t), "s");
  const program = await startInner(t, socket, "sh", "-c", 'stty raw -echo; echo "ready $$"; exec sleep 1000');
  const window = await startInWindow(t, [...outlet, socket]);
  const [, pid = ""] = await window.waitFor(/ready (\d+)/);
  program.kill("SIGKILL");
  const screen = (await window.waitFor(/status=0[\s\S]*echoe/)).input ?? "";
  t.match(screen, / icanon/);
  t.match(screen, / echo /);
  process.kill(Number(pid)); // it outlives the one that started it, and goes on with a terminal that is not its own
  await waitGone(Number(pid));
});

t.test("inner runs a command on the pipes and files of several outlets in turn", async (t) => {
  const dir = tempDir(t);
  const socket = join(dir, "s");
  const program = await startInner(t, socket, "sh", "-c", "tr a-z A-Z; echo done >&2");
  const outputs = await Promise.all(
    ["first", "second", "third"].map((input) => run(t, command, [...outlet.slice(1), socket], { input })),
  );
  for (const [index, name] of ["FIRST", "SECOND", "THIRD"].entries()) {
    t.match(outputs[index], { status: 0, stdout: name, stderr: "done\n" });
  }
  writeFileSync(join(dir, "in"), "from a file");
  const line = `"$@" <"${dir}/in" >"${dir}/out" 2>"${dir}/err"`;
  t.match(await run(t, "sh", ["-c", line, "sh", ...outlet, socket]), { status: 0, stdout: "", stderr: "" });
  t.equal(readFileSync(join(dir, "out"), "utf8"), "FROM A FILE");
  t.equal(readFileSync(join(dir, "err"), "utf8"), "done\n");
  program.kill();
  t.equal((await program.ended).status, 0);
});

t.test("inner takes over files", async (t) => {
  const dir = tempDir(t);
  const socket = join(dir, "s");
  const program = await startInner(t, socket);
  writeFileSync(join(dir, "in"), "a line\nbye\nnot read\n");
  const line = `"$@" <"${dir}/in" >"${dir}/out"`;
  t.match(await run(t, "sh", ["-c", line, "sh", ...outlet, socket]), { status: 0 });
  t.match(
    readFileSync(join(dir, "out"), "utf8"),
    /^inner \d+ speaks here, no terminal\.\ninner heard: a line\ninner l/,
  );
  t.match(await program.ended, { status: 0, stdout: "" });
});

t.test("inner [the outlet dies] ends the command, and serves the next", async (t) => {
  const socket = join(tempDir(t), "s");
  // No trap in the shell: one that comes just before `read` would wait for a line.
  await startInner(t, socket, "sh", "-c", 'echo "started $$"; read -r line; echo "got $line"');
  const dying = start(t, command, [...outlet.slice(1), socket]);
  const [, pid = ""] = await dying.output(/started (\d+)/);
  dying.kill("SIGKILL");
  await waitGone(Number(pid));
  const next = await run(t, command, [...outlet.slice(1), socket], { input: "again\n" });
  t.match(next, { status: 0, stdout: /^started \d+\ngot again\n$/ });
});

t.test("outlet [inner ends while it waits in the queue] says so by its status", async (t) => {
  const socket = join(tempDir(t), "s");
  const program = await startInner(t, socket, "sh", "-c", "echo busy; read -r line");
  const first = start(t, command, [...outlet.slice(1), socket]);
  await first.output(/busy/);
  const second = start(t, command, [...outlet.slice(1), socket]);
  // It has connected when there is a connection more in the queue.
  await run(t, "sh", ["-c", `until [ "$(grep -c "${socket}" /proc/net/unix)" -ge 3 ]; do :; done`]);
  program.kill();
  t.equal((await second.ended).status, 1);
  first.kill();
});
