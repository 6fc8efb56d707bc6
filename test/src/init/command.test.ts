// What the command finds: its terminal, session, signals, descriptors; whose exit status console-init's is; and how the
// situation in which console-init was started changes none of it.
import { chmodSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { getuid } from "node:process";
import t, { type Test } from "tap";
import { denied } from "../support/denied.js";
import { fixture } from "../support/paths.js";
import type { PeerStep } from "../support/peer.js";
import { childrenOf, type Program } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";
import { receiver, startInit, toTheEnd } from "./receiver.js";

const skip = needs("python3");
const startAs = (situation: string) => ["python3", fixture("start-as.py"), situation];

/** Says when it runs and stays, without starting another program, which would have files open while it loads. */
const stay = ["sh", "-c", "echo running; read line"];
const untilItRuns: PeerStep = { read: "running" };

/** Start `stay` and wait for it; the receiver holds the terminal until `goOn()`. */
async function stayRunning(t: Test, through: string[], command = stay) {
  const to = await receiver(t, [untilItRuns, { hold: true }, { hangup: true }]);
  const init = startInit(t, to, command, { through });
  await to.peer.step(3);
  return { init, to };
}

/** The fields of /proc/PID/stat from the parent's pid on. */
function statOf(pid: number) {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  const [ppid, group, session, terminal, foreground] = text
    .slice(text.lastIndexOf(")") + 4)
    .split(" ")
    .map(Number);
  return { ppid, group, session, terminal, foreground };
}

function signalsOf(pid: number) {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Object.fromEntries(["SigBlk", "SigIgn"].map((name) => [name, status.match(`${name}:\\s*(\\w+)`)?.[1]]));
}

const noSignals = { SigBlk: "0".repeat(16), SigIgn: "0".repeat(16) };

function checkCommand(t: Test, pid: number) {
  const { group, session, terminal, foreground } = statOf(pid);
  t.strictSame([group, session, foreground], [pid, pid, pid], "it leads its session and the foreground group");
  t.not(terminal, 0, "it has a controlling terminal");
  t.strictSame(readdirSync(`/proc/${pid}/fd`), ["0", "1", "2"], "it has its terminal open and nothing else");
  t.strictSame(signalsOf(pid), noSignals, "no signal is ignored or blocked");
}

for (const situation of [
  "session-leader",
  "terminal-leader",
  "no-descriptors",
  "odd-signals",
  "open-descriptors",
  "group-leader",
  "hidden-terminal",
]) {
  t.test(`the command [console-init started as ${situation}]`, { skip }, async (t) => {
    const { init, to } = await stayRunning(t, startAs(situation));
    const hasParent = situation === "terminal-leader" || situation === "hidden-terminal"; // start-as.py's own
    const pid = hasParent ? (childrenOf(init.pid)[0] as number) : init.pid;
    const standsIn = situation === "group-leader" || situation === "hidden-terminal";
    if (standsIn) {
      const child = childrenOf(pid)[0] as number;
      checkCommand(t, child);
      const held = () => readdirSync(`/proc/${pid}/fd`).filter((fd) => Number(fd) > 2);
      if (getuid?.() === 0) t.strictSame(held(), [], "who stands in for it holds no side of the terminal");
      else t.throws(held, { code: "EACCES" }, "who stands in for it lets nobody look");
    } else {
      checkCommand(t, pid);
    }
    to.peer.goOn();
    t.strictSame(await ended(init), hasParent ? [255, null] : [null, "SIGHUP"], "the hangup ends it");
  });
}

async function ended(init: Program) {
  const { status, signal } = await init.ended;
  return [status, signal];
}

t.test(
  "console-init [its child is the command] passes signals on and ends as the command does",
  { skip },
  async (t) => {
    const through = startAs("group-leader");
    const trap = ["sh", "-c", "trap 'exit 7' TERM; trap 'echo usr1' USR1; echo running; while :; do sleep 0.02; done"];
    const to = await receiver(t, [untilItRuns, { read: "usr1" }, toTheEnd]);
    const init = startInit(t, to, trap, { through });
    await to.peer.step(3);
    init.kill("SIGUSR1");
    await to.peer.step(4);
    init.kill("SIGTERM");
    t.strictSame(await ended(init), [7, null]);

    for (const signal of ["SIGTERM", "SIGINT", "SIGUSR2"] as const) {
      const { init } = await stayRunning(t, through);
      init.kill(signal);
      t.strictSame(await ended(init), [null, signal], signal);
    }
  },
);

t.test("the command [no close_range] gets no inherited descriptor", { skip }, async (t) => {
  for (const denial of ["close_range=ENOSYS", "close_range=EINVAL", "close_range=EPERM"]) {
    const { init } = await stayRunning(t, [...denied(denial), ...startAs("open-descriptors")]);
    checkCommand(t, init.pid);
    init.kill("SIGKILL");
  }
});

t.test("the command has the environment and working directory that console-init was given", { skip }, async (t) => {
  const dir = tempDir(t);
  // By env(1): tap adds variables of its own to what a test starts.
  const environment = [`PATH=${process.env["PATH"]}`, "ONLY=this\nand that", "EMPTY="];
  const to = await receiver(t, [untilItRuns, { hold: true }]);
  const init = startInit(t, to, stay, { through: ["/usr/bin/env", "-i", ...environment], cwd: dir });
  await to.peer.step(3);
  t.strictSame(readFileSync(`/proc/${init.pid}/environ`, "utf8").split("\0"), [...environment, ""]);
  t.equal(readlinkSync(`/proc/${init.pid}/cwd`), dir);
});

t.test("console-init's exit status is the command's", { skip }, async (t) => {
  for (const status of [0, 1, 42, 125, 255]) {
    const to = await receiver(t, [toTheEnd]);
    t.strictSame(await ended(startInit(t, to, ["sh", "-c", `exit ${status}`])), [status, null]);
  }
});

t.test("console-init [the command cannot be run] says so on the original standard error", { skip }, async (t) => {
  const dir = tempDir(t);
  const file = (name: string, text: string, mode: number) => {
    writeFileSync(join(dir, name), text);
    chmodSync(join(dir, name), mode);
  };
  file("plain", "#!/bin/sh\n", 0o644);
  file("lost", "#!/no/such/interpreter\n", 0o755);
  const path = `/nonexistent:${dir}`;
  const cases: [command: string, status: number, message: RegExp][] = [
    ["no-such-command", 127, /"no-such-command": not found in the path "\/nonexistent:/],
    ["/no/such/command", 127, /"\/no\/such\/command": no such file/],
    ["/etc/passwd/x", 127, /no such file/],
    ["", 127, /"": not found/],
    ["plain", 126, /"plain": Permission denied/],
    [dir, 126, /Permission denied/],
    ["lost", 126, /"lost": its interpreter or dynamic loader does not exist/],
  ];
  const refused = async (through: string[], [command, status, message]: (typeof cases)[number]) => {
    const to = await receiver(t, [toTheEnd]);
    const output = await startInit(t, to, [command], { through: [...through, "env", `PATH=${path}`] }).ended;
    t.match(output, { status, stdout: "" }, command);
    t.match(output.stderr, /^console-init: expected a program, got [^\n]*; [^\n]*\n$/, "one line");
    t.match(output.stderr, message);
    t.equal(await to.shown(), "", "the terminal shows nothing of it");
  };
  for (const refusal of cases) await refused([], refusal);
  await refused(startAs("group-leader"), cases[0] as (typeof cases)[number]);
});

t.test("console-init finds a command as execvp does", { skip }, async (t) => {
  const dir = tempDir(t);
  const write = (name: string, text: string, mode: number) => {
    writeFileSync(join(dir, name), text);
    chmodSync(join(dir, name), mode);
  };
  write("first", "echo without an interpreter line: $0 $1\n", 0o755);
  write("tty", "", 0o644); // not executable: the search goes on
  const shown = async (command: string[], path: string | undefined) => {
    const to = await receiver(t, [toTheEnd]);
    const through = path === undefined ? ["/usr/bin/env", "-u", "PATH"] : ["/usr/bin/env", `PATH=${path}`];
    t.match(await startInit(t, to, command, { through, cwd: dir }).ended, { status: 0 });
    return to.shown();
  };
  t.equal(await shown(["first", "x"], `/nonexistent:${dir}`), `without an interpreter line: ${dir}/first x\r\n`);
  t.equal(await shown(["first", "x"], "/nonexistent:"), "without an interpreter line: first x\r\n", "an empty entry");
  t.equal(await shown(["./first", "x"], "/bin"), "without an interpreter line: ./first x\r\n", "a name with a slash");
  t.match(await shown(["tty"], `${dir}:/usr/bin:/bin`), /^\/dev\/pts\/\d+\r\n$/);
  t.match(await shown(["tty"], undefined), /^\/dev\/pts\/\d+\r\n$/, "without PATH");
});

t.test("a shell on the terminal has job control: Ctrl-Z, bg, fg, Ctrl-C", { skip }, async (t) => {
  // Not a shell's loop: Ctrl-Z would now and then hit its next program between vfork and exec, and the shell, which
  // waits for that exec, could not stop.
  for (const options of [[], ["--init"]]) {
    const to = await receiver(t, [
      { write: 'python3 "$JOB"\n' },
      { read: "began" },
      { write: "\x1a" },
      { read: "Stopped" },
      { write: "bg\n" },
      { read: "continued" },
      { write: "jobs\n" },
      { read: "Running" },
      { write: "fg\n" },
      { read: "continued" },
      { write: "\x03" },
      { read: "interrupted" },
      { write: "exit 7\n" },
      toTheEnd,
    ]);
    const init = startInit(t, to, ["env", `JOB=${fixture("job.py")}`, "ENV=", "sh", "-i"], { options });
    t.strictSame(await ended(init), [7, null]);
  }
});
