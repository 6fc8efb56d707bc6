// The duties of PID 1: console-init, tini, catatonit and dumb-init on one table of cases, which the test prints. There
// is no row where console-init is worse than any of them.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { fixture } from "../support/paths.js";
import { childrenOf, isAlive, type Program, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";
import { type Init, inits, ours } from "./inits.js";
import { receiver, startInit } from "./receiver.js";

const namespace = ["unshare", "--user", "--map-root-user", "--pid", "--mount-proc", "--fork", "--kill-child", "--"];
const duties = (name: string, out: string) => ["python3", fixture("duties.py"), name, out];

/** SIGKILL and SIGSTOP cannot be caught, SIGCHLD is the init's own, the stops have a row of their own. */
const notSent = [9, 17, 19, 20, 21, 22];
/** 32 and 33 are the C library's: a program cannot wait for them. */
const sent = Array.from({ length: 64 }, (_, n) => n + 1).filter((n) => !notSent.includes(n) && n !== 32 && n !== 33);

/** A cell: what was found, and whether that is as it should be. */
type Cell = [found: string, good: boolean];

// Its 2000 orphans, under four inits at a time, take a busy machine a while; where it ended instead, nothing waits.
async function began(out: string, program: Program): Promise<void> {
  let ended = false;
  program.ended.then(() => {
    ended = true;
  });
  const ready = () => existsSync(`${out}.ready`);
  const what = () => `the command to begin: ${program.stderr}`;
  await until(() => ready() || ended, { what, timeoutMs: 30_000 });
  if (!ready()) throw new Error(`the command ended before it began: ${program.stderr}`);
}

const found = (out: string) => JSON.parse(readFileSync(out, "utf8"));
const yes = (good: boolean): Cell => [good ? "yes" : "no", good];

/** As PID 1: what it leaves of signals, of orphans, of the exit status. Three rows of one run. */
async function observe(t: Test, init: Init): Promise<Cell[]> {
  const out = join(tempDir(t), "out");
  const [command = "", ...args] = [...namespace, ...(await init.argv(t, [])), ...duties("observe", out)];
  const program = start(t, command, args);
  await began(out, program);
  const pid = childrenOf(program.pid)[0] as number;
  for (const number of sent) process.kill(pid, number);
  writeFileSync(`${out}.new`, JSON.stringify(sent));
  renameSync(`${out}.new`, `${out}.sent`);
  const { status } = await program.ended;
  const { zombies, signals, blocked, ignored } = found(out);
  const forwarded = sent.filter((number) => signals.includes(number)).length;
  const clean = blocked === 0 && ignored === 0;
  return [
    [`${zombies} left of 2000`, zombies === 0],
    [`${forwarded} of ${sent.length}`, forwarded === sent.length],
    [clean ? "default" : `blocked 0x${blocked.toString(16)}, ignored 0x${ignored.toString(16)}`, clean],
    [`${status} for 42`, status === 42],
  ];
}

async function statusOf(t: Test, init: Init, command: string[], wanted: number): Promise<Cell> {
  const [program = "", ...args] = [...namespace, ...(await init.argv(t, [])), ...command];
  const { status } = await start(t, program, args).ended;
  return [`${status}`, status === wanted];
}

/** The state letter of /proc/PID/stat. */
const stateOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, "latin1").match(/^.*\) (\w)/s)?.[1];

/** Whether it comes to be so. Of the others it is known that it may not: then not for long. */
async function settles(init: Init, look: () => boolean): Promise<boolean> {
  return until(look, { what: "a change that may not come", timeoutMs: init === ours ? 10_000 : 400 }).then(
    () => true,
    () => false,
  );
}

/** As a job, not as PID 1: Ctrl-Z and fg. */
async function stops(t: Test, init: Init): Promise<Cell> {
  const mark = join(tempDir(t), "mark");
  const pause = ["python3", fixture("wait-for-signals.py"), mark];
  const [command = "", ...args] = [...(await init.argv(t, [])), ...pause];
  const program = start(t, command, args);
  await until(() => existsSync(mark), { what: "the command to begin" });
  const both = [program.pid, childrenOf(program.pid)[0] as number];
  const all = (stopped: boolean) => both.every((pid) => (stateOf(pid) === "T") === stopped);
  program.kill("SIGTSTP");
  const stopped = await settles(init, () => all(true));
  program.kill("SIGCONT");
  const continued = await settles(init, () => all(false));
  for (const pid of both.reverse()) process.kill(pid, "SIGKILL");
  await program.ended;
  return yes(stopped && continued);
}

async function foreground(t: Test, init: Init): Promise<Cell> {
  const out = join(tempDir(t), "out");
  const terminal = [fixture("start-as.py"), "terminal-leader"];
  await start(t, "python3", [...terminal, ...(await init.argv(t, [])), ...duties("foreground", out)]).ended;
  return yes(existsSync(out) && found(out));
}

async function group(t: Test, init: Init): Promise<Cell> {
  const out = join(tempDir(t), "out");
  const [command = "", ...args] = [...(await init.argv(t, ["group"])), ...duties("group", out)];
  const program = start(t, command, args);
  await began(out, program);
  program.kill("SIGUSR2");
  await program.ended;
  return yes(found(out));
}

async function orphan(t: Test, init: Init): Promise<Cell> {
  const out = join(tempDir(t), "out");
  const [command = "", ...args] = [...(await init.argv(t, ["subreaper"])), ...duties("orphan", out)];
  const program = start(t, command, args);
  await program.ended;
  return yes(found(out) === program.pid);
}

async function pdeathsig(t: Test, init: Init): Promise<Cell> {
  const mark = join(tempDir(t), "mark");
  const loop = ["sh", "-c", `echo $PPID > ${mark}.new; mv ${mark}.new ${mark}; while :; do sleep 0.01; done`];
  const argv = [...(await init.argv(t, ["pdeathsig"])), ...loop];
  const parent = start(t, "sh", ["-c", '"$@" & read line', "sh", ...argv]);
  await until(() => existsSync(mark), { what: "the command to begin" });
  const pid = Number(readFileSync(mark, "utf8"));
  const command = childrenOf(pid)[0] as number;
  parent.kill("SIGKILL");
  const ended = await settles(init, () => !isAlive(pid));
  for (const left of [command, pid]) if (isAlive(left)) process.kill(left, "SIGKILL");
  return yes(ended);
}

const rows = [
  "zombies of 2000 orphans",
  "signals passed on",
  "the command's signals",
  "exit status",
  "ended by a signal: 128 + n",
  "no such command: 127",
  "not executable: 126",
  "stops and continues with it",
  "the command in the foreground",
  "signals to the group",
  "takes in orphans, not PID 1",
  "ends with its parent",
];

async function column(t: Test, init: Init): Promise<Cell[]> {
  return [
    ...(await observe(t, init)),
    await statusOf(t, init, ["sh", "-c", "kill -9 $$"], 137),
    await statusOf(t, init, ["/no/such/command"], 127),
    await statusOf(t, init, ["/etc/passwd"], 126),
    await stops(t, init),
    await foreground(t, init),
    await group(t, init),
    await orphan(t, init),
    await pdeathsig(t, init),
  ];
}

/** Columns side by side; what is not as it should be has a `!`. */
function table(names: string[], columns: Cell[][]): string[] {
  const text = (cell: Cell | undefined) => (cell ? `${cell[0]}${cell[1] ? "" : " !"}` : "");
  const cells = [["", ...names], ...rows.map((row, n) => [row, ...columns.map((cells) => text(cells[n]))])];
  const widths = cells[0]?.map((_, n) => Math.max(...cells.map((line) => line[n]?.length ?? 0))) ?? [];
  return cells.map((line) =>
    line
      .map((cell, n) => cell.padEnd(widths[n] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

const skip = needs("unshare", "user-namespaces", ...inits.flatMap((init) => init.needs));

t.test("console-init --init [beside tini, catatonit and dumb-init] is worse in no row", { skip }, async (t) => {
  const columns = await Promise.all(inits.map((init) => column(t, init)));
  const lines = table(
    inits.map(({ name }) => name),
    columns,
  );
  process.stdout.write(`\n${lines.join("\n")}\n\n`); // not TAP: the reporter shows it as it is
  const [mine = [], ...others] = columns;
  for (const [n, row] of rows.entries()) {
    t.ok(mine[n]?.[1], row, { found: mine[n]?.[0], others: others.map((cells) => cells[n]?.[0]) });
  }
});

const skipOurs = needs(...ours.needs);

t.test("console-init --init [its command ended] ends although orphans of it run on", { skip: skipOurs }, async (t) => {
  const mark = join(tempDir(t), "mark");
  const to = await receiver(t, [{ hold: true }]);
  const command = ["sh", "-c", `(sleep 30; :) & echo $! > ${mark}; exit 5`];
  const init = startInit(t, to, command, { options: ["--init", "--subreaper"] });
  t.match(await init.ended, { status: 5 });
  const left = Number(readFileSync(mark, "utf8"));
  t.teardown(() => process.kill(left, "SIGKILL"));
});

t.test("console-init [a job of a shell] stops and continues with its command", { skip: skipOurs }, async (t) => {
  const to = await receiver(t, [{ read: "running" }, { hold: true }, { hangup: true }]);
  const through = ["python3", fixture("start-as.py"), "group-leader"];
  const pause = ["python3", fixture("wait-for-signals.py")];
  const init = startInit(t, to, pause, { through });
  await to.peer.step(3);
  const both = [init.pid, childrenOf(init.pid)[0] as number];
  const bothAre = (state: RegExp) => both.every((pid) => state.test(stateOf(pid) ?? ""));
  init.kill("SIGTSTP");
  await until(() => bothAre(/T/), { what: "both to stop" });
  init.kill("SIGCONT");
  await until(() => bothAre(/[SRD]/), { what: "both to continue" });
  to.peer.goOn();
  t.match(await init.ended, { signal: "SIGHUP" }, "and the hangup ends it");
});
