// What each option does that the other files do not show: the name, whose the terminal is, the handshake, the time
// limit, the word on each step.
import { chmodSync, closeSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { getuid } from "node:process";
import { UnixSocket } from "cmsg";
import t, { type Test } from "tap";
import { fixture } from "../support/paths.js";
import { run, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";
import { createBox, needsBox, ownDevpts, runInBox } from "./box.js";
import { consoleInit, hostTerminal, receiver, startInit, toTheEnd } from "./receiver.js";

const skip = needs("python3");

t.test("console-init --name sends these bytes", { skip }, async (t) => {
  for (const name of ["/dev/pts/ptmx", "x".repeat(4095), "-", "a name, with spaces"]) {
    const to = await receiver(t, [toTheEnd]);
    t.match(await startInit(t, to, ["true"], { options: [`--name=${name}`] }).ended, { status: 0, stderr: "" });
    t.match((await to.peer.done())[2], { payload: name, fds: 1 });
  }
});

t.test("console-init --owner and --user", { skip: skip || needs("root") }, async (t) => {
  const shows = async (t: Test, options: string[], script: string) => {
    const to = await receiver(t, [toTheEnd]);
    t.match(await startInit(t, to, ["sh", "-c", script], { options }).ended, { status: 0, stderr: "" });
    return to.shown();
  };
  const owner = "stat -c %u $(tty)";
  const who = `id -u; id -g; id -G; ${owner}; echo x > $(tty)`;
  t.equal(await shows(t, ["--owner=4321"], owner), "4321\r\n", "--owner");
  t.equal(await shows(t, ["--user=1234:567"], who), "1234\r\n567\r\n567\r\n1234\r\nx\r\n", "--user has it for its own");
  t.equal(await shows(t, ["--user=1234:567", "--owner=0"], owner), "0\r\n", "--owner goes before --user");
  t.equal(await shows(t, ["--init", "--user=1234:567"], who), "1234\r\n567\r\n567\r\n1234\r\nx\r\n", "with --init");
  const capabilities = await shows(t, ["--user=1234:567"], "grep -E 'Cap(Inh|Prm|Eff|Amb)' /proc/self/status");
  t.match(capabilities, /^(Cap\w+:\t0+\r\n){4}$/, "and no capability");
});

t.test("console-init --owner and --user [not mapped, not permitted]", { skip: needsBox }, async (t) => {
  const inBox = async (options: string[], more = {}) => {
    const box = createBox(t);
    const to = await receiver(t, [toTheEnd], box.socket);
    return { to, output: await runInBox(t, box, { options, ...more }) };
  };
  const { output } = await inBox(["--owner=77"]);
  t.match(output, { status: 125, stderr: /--owner: expected the terminal to become user 77's, got an id .* not map/ });
  const unmapped = await inBox(["--user=77:0", "--owner=0"]);
  t.match(unmapped.output, { status: 125, stderr: /^console-init: --user: [^\n]*; [^\n]*\n$/ });
  // Root of the namespace, without its rights: the owner stays who it is, and the terminal is sent all the same.
  const through = ["setpriv", "--bounding-set=-all,+sys_chroot", "--inh-caps=-all"];
  const map = { around: [], asRoot: true, through };
  if (getuid?.() === 0) {
    const kept = await inBox(["--owner=77", "--verbose"], map);
    t.match(kept.output, {
      status: 0,
      stderr: /^console-init: the terminal keeps its owner: Operation not permitted$/m,
    });
    t.equal(await kept.to.shown(), "24 80\r\n");
    const refused = await inBox(["--user=77:88", "--owner=0"], map);
    t.match(refused.output, { status: 125, stderr: /--user: expected to .*, got Operation not permitted; / });
  }
});

// Each becomes what follows on its command line: a login as useradd(8) makes it, and one that is in other groups too.
const login = ["setpriv", "--reuid=1234", "--regid=1234", "--groups=1234"];
const loginInGroups = ["setpriv", "--reuid=1234", "--regid=1234", "--groups=1234,5678,9012"];

t.test(
  "console-init --user [a login, in a user namespace of its own]",
  { skip: needsBox || needs("root") },
  async (t) => {
    const shows = async (around: string[], groups: string) => {
      const box = createBox(t);
      for (const dir of [box.dir, box.root]) chmodSync(dir, 0o777);
      const to = await receiver(t, [toTheEnd], box.socket);
      chmodSync(box.socket, 0o777);
      const command = ["/busybox", "sh", "-c", "/busybox id -u; /busybox id -G"];
      t.match(await runInBox(t, box, { around, options: ["--user=0:0"], command }), { status: 0, stderr: "" });
      t.equal(await to.shown(), `0\r\n${groups}\r\n`);
    };
    await shows(login, "0");
    await shows(loginInGroups, "0 65534 65534");
  },
);

t.test("console-init --user [a login, without namespaces]", { skip: skip || needs("root") }, async (t) => {
  const starts = async (through: string[], options: string[]) => {
    const to = await receiver(t, [toTheEnd]);
    chmodSync(dirname(to.socket), 0o777);
    chmodSync(to.socket, 0o777);
    return startInit(t, to, ["true"], { through, options }).ended;
  };
  t.match(await starts(login, ["--user=1234:1234"]), { status: 0, stderr: "" }, "it stays who it is");
  const message = /^console-init: --user: expected to give up the supplementary groups, got Operation not permitted; /;
  t.match(await starts(loginInGroups, ["--user=1234:1234"]), { status: 125, stderr: message }, "not in other groups");
  // Ids 0 to 9, and in a group that is not among them. setgroups is denied there as in an ordinary user's namespace.
  const mapped = [
    "python3",
    fixture("start-as.py"),
    "mapped-ids",
    "python3",
    fixture("deny.py"),
    "setgroups=EPERM",
    "--",
  ];
  t.match(await starts(mapped, ["--user=0:0"]), { status: 0, stderr: "" }, "the same user keeps them");
  t.match(await starts(mapped, ["--user=1:0"]), { status: 125, stderr: message }, "another does not get them");
});

t.test(
  "console-init --user [held] has become the user, and is closed to it",
  { skip: skip || needs("root") },
  async (t) => {
    const [ours, theirs] = UnixSocket.pair();
    const to = await receiver(t, [toTheEnd]);
    const options = ["--ready-fd=3", "--wait-fd=3", "--user=1234:567"];
    const init = startInit(t, to, ["true"], { options, fds: [theirs.fd] });
    theirs.close();
    await ours.receive();
    t.match(readFileSync(`/proc/${init.pid}/status`, "utf8"), /^Uid:(\t1234){4}\nGid:(\t567){4}$/m);
    t.equal(statSync(`/proc/${init.pid}/fd`).uid, 0, "not dumpable, proc(5)");
    await ours.send(Buffer.from("g"));
    t.match(await init.ended, { status: 0, stderr: "" });
    ours.close();
  },
);

t.test("console-init --ready-fd and --wait-fd", { skip }, async (t) => {
  for (const options of [[], ["--init"]]) {
    const [ours, theirs] = UnixSocket.pair();
    const to = await receiver(t, [{ receive: true }, toTheEnd]);
    const argv = [...hostTerminal, "--console-socket", to.socket, "--ready-fd=3", "--wait-fd=3", ...options];
    const init = start(t, consoleInit, [...argv, "--", "sh", "-c", "echo ran; ls -1 /proc/$$/fd"], {
      fds: [theirs.fd],
    });
    theirs.close();
    const ready = await ours.receive();
    t.equal(ready?.data.toString(), "\n");
    t.match(await to.peer.step(3), { payload: "", fds: 0 }, "ready: the terminal was sent, and the connection closed");
    t.equal(to.peer.reports.length, 4, "and the command does not run yet");
    await ours.send(Buffer.from("g"));
    t.match(await init.ended, { status: 0, stdout: "", stderr: "" });
    t.equal(await to.shown(), "ran\r\n0\r\n1\r\n2\r\n", "the command does not get the descriptor");
    t.equal(await ours.receive(), null, "and nobody keeps it");
    ours.close();
  }
});

t.test("console-init --ready-fd=1: a standard descriptor serves as well", { skip }, async (t) => {
  const to = await receiver(t, [toTheEnd]);
  const init = startInit(t, to, ["echo", "here"], { options: ["--ready-fd=1", "--wait-fd=0"] });
  await init.output(/^\n$/);
  init.write("x");
  t.match(await init.ended, { status: 0, stdout: "\n", stderr: "" });
  t.equal(await to.shown(), "here\r\n");
});

t.test("console-init [the outside is gone] exits 125 and runs nothing", { skip }, async (t) => {
  const dir = tempDir(t);
  const mark = join(dir, "ran");
  const fails = async (options: string[], message: RegExp, fds: number[]) => {
    const to = await receiver(t, [toTheEnd]);
    const argv = [...hostTerminal, "--console-socket", to.socket, ...options, "touch", mark];
    t.match(await start(t, consoleInit, argv, { fds }).ended, { status: 125, stderr: message });
    t.throws(() => statSync(mark), { code: "ENOENT" });
    await to.peer.done();
  };
  const nothing = openSync("/dev/null", "r");
  t.teardown(() => closeSync(nothing));
  await fails(["--wait-fd=3"], /--wait-fd: expected a byte, got the end of file; keep the other end open/, [nothing]);
  await fails(["--ready-fd=3"], /--ready-fd: expected to write a byte, got Bad file descriptor;/, [nothing]);
  const [ours, theirs] = UnixSocket.pair();
  ours.close();
  await fails(["--ready-fd=3"], /--ready-fd: expected to write a byte, got Broken pipe;/, [theirs.fd]);
  theirs.close();
});

t.test("console-init --timeout says what took too long, exits 125 and runs nothing", { skip }, async (t) => {
  const late = async (options: string[], more: { through?: string[]; status?: number } = {}) => {
    const to = await receiver(t, [toTheEnd]);
    const init = startInit(t, to, ["echo", "ran"], { options: ["--timeout=0.5", "--wait-fd=0", ...options], ...more });
    t.match(await init.ended, {
      status: 125,
      stderr:
        /^console-init: --timeout: .* within 500 ms, got no further than waiting for the byte on --wait-fd; .*\n$/,
    });
    t.equal(await to.shown(), "");
  };
  const startAs = (situation: string) => ({ through: ["python3", fixture("start-as.py"), situation] });
  await Promise.all([late([]), late(["--init"]), late([], startAs("group-leader")), late([], startAs("odd-signals"))]);

  t.test("also where connect(2) waits for a full backlog", async (t) => {
    const socket = join(tempDir(t), "s");
    await start(t, "python3", [fixture("full-backlog.py"), socket]).output(/full/);
    const argv = [...hostTerminal, "--console-socket", socket, "--timeout=0.5", "true"];
    t.match(await run(t, consoleInit, argv), { status: 125, stderr: /no further than connecting to the receiver;/ });
  });

  t.test("and not once the command runs", async (t) => {
    const outlasts = async (options: string[]) => {
      const to = await receiver(t, [toTheEnd]);
      const init = startInit(t, to, ["sh", "-c", "sleep 1.5; echo done"], { options: ["--timeout=1", ...options] });
      t.match(await init.ended, { status: 0, stderr: "" });
      t.equal(await to.shown(), "done\r\n");
    };
    await Promise.all([outlasts([]), outlasts(["--init"])]);
  });
});

t.test("console-init --verbose says each step, in order", { skip }, async (t) => {
  const to = await receiver(t, [toTheEnd]);
  const init = startInit(t, to, ["true"], { options: ["--verbose", "--wait-fd=0"] });
  init.endInput();
  const steps = ["opening the terminal", "connecting to the receiver", "sending the terminal", "taking the terminal"];
  const { stderr } = await init.ended;
  const said = [...steps, "waiting for the byte on --wait-fd", "--wait-fd: expected"];
  t.strictSame(
    stderr.split("\n").map((line, n) => line.slice(0, `console-init: ${said[n]}`.length)),
    [...said.map((text) => `console-init: ${text}`), ""],
  );
});

/** A parent for the arguments behind it, to be killed. */
const parent = ["sh", "-c", '"$@" & read line', "sh"];

t.test("console-init --pdeathsig ends the command with the parent process", { skip }, async (t) => {
  for (const options of [["--pdeathsig=KILL"], ["--pdeathsig=TERM", "--init"], ["--pdeathsig=SIGKILL", "--init"]]) {
    const to = await receiver(t, [{ read: "running" }, toTheEnd]);
    const command = ["sh", "-c", "echo running; while :; do sleep 1; done"];
    const program = startInit(t, to, command, { options, through: parent });
    await to.peer.step(3);
    program.kill("SIGKILL");
    const reports = await to.peer.done();
    t.equal(reports[4]?.ended, "EIO", `${options.join(" ")}: the terminal has ended`);
  }
});

t.test(
  "console-init --pdeathsig [with --user] lasts although a new user takes it away",
  {
    skip: skip || needs("root"),
  },
  async (t) => {
    const to = await receiver(t, [{ read: "running" }, toTheEnd]);
    const options = ["--pdeathsig=KILL", "--user=1234:1234"];
    const program = startInit(t, to, ["sh", "-c", "echo running; sleep 1000"], { options, through: parent });
    await to.peer.step(3);
    program.kill("SIGKILL");
    t.equal((await to.peer.done())[4]?.ended, "EIO");
  },
);

t.test("console-init --mount-console and --owner in a box of one's own", { skip: needsBox }, async (t) => {
  const box = createBox(t);
  const to = await receiver(t, [toTheEnd], box.socket);
  writeFileSync(join(box.root, "dev/console"), "");
  const output = await runInBox(t, box, {
    setup: ownDevpts,
    options: ["--mount-console", "--owner=0", "--user=0:0", "--init", "--subreaper", "--group", "--timeout=10"],
    command: ["/busybox", "stat", "-c", "%u %a %t:%T", "/dev/console"],
  });
  t.match(output, { stderr: "" });
  t.equal(output.status, 0);
  t.equal(await to.shown(), "0 600 88:0\r\n");
  t.equal(readFileSync(join(box.root, "dev/console"), "utf8"), "");
});
