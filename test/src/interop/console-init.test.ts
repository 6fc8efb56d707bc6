// console-init at the other end of receivers that are not ours (runc's RecvFd in Go, Python, the real conmon) and of
// ours: on the host, and where it is made for, in a container without a terminal of the runtime's own.
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { listen } from "console-socket";
import t, { type Test } from "tap";
import { consoleInit, staticConsoleInit } from "../init/receiver.js";
import { createBundle } from "../support/bundle.js";
import { Container } from "../support/container.js";
import { goProgram } from "../support/go-program.js";
import { fixture } from "../support/paths.js";
import { startPeer } from "../support/peer.js";
import { type Program, run, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { runc, runtimes } from "../support/runtimes.js";
import { tempDir } from "../support/temp-dir.js";
import { Transcript } from "../support/transcript.js";

/** runc's receiver, listening: it types a line, and reads until the terminal has ended. */
async function runcReceiver(t: Test, socket: string): Promise<Program> {
  const receiver = start(t, await goProgram(t, "recvfd"), [socket, "echo $((6*7)) on $(tty); stty size; exit"]);
  await receiver.output(/^listening$/m);
  return receiver;
}

async function received(receiver: Program): Promise<{ name: string; transcript: string }> {
  const { stdout, stderr } = await receiver.ended;
  const line = stdout.split("\n")[1];
  if (!line) throw new Error(`recvfd: ${stderr}`);
  return JSON.parse(line);
}

t.test(
  "console-init --ptmx /dev/ptmx: runc's RecvFd receives and uses the terminal",
  {
    skip: needs("runc-go"),
  },
  async (t) => {
    const socket = join(tempDir(t), "s");
    const receiver = await runcReceiver(t, socket);
    const args = ["--console-socket", socket, "--size", "101x33", "--ptmx", "/dev/ptmx", "--", "/bin/sh"];
    const command = start(t, consoleInit, args);
    const { name, transcript } = await received(receiver);
    t.equal(name, "/dev/ptmx", "exactly the payload of runc");
    t.match(transcript, /42 on \/dev\/pts\/\d+\r\n33 101\r\n$/);
    t.match(await command.ended, { status: 0, stdout: "", stderr: "" });
  },
);

t.test("console-init sends nine bytes and one descriptor, then closes", { skip: needs("python3") }, async (t) => {
  const socket = join(tempDir(t), "s");
  const peer = startPeer(t, [
    { listen: socket },
    { accept: true },
    { receive: true },
    { receive: true },
    { read: "no" },
  ]);
  await peer.step(0);
  const args = ["--console-socket", socket, "--ptmx", "/dev/ptmx", "--", "/bin/sh", "-c", "echo through the terminal"];
  t.match(await run(t, consoleInit, args), { status: 0, stdout: "", stderr: "" });
  t.match(await peer.done(), [
    {},
    {},
    { payload: "/dev/ptmx", fds: 1, flags: 0 },
    { payload: "", fds: 0 },
    { data: "through the terminal\r\n", ended: "EIO" },
  ]);
});

// Where it is made for: as the program of a container without a terminal of the runtime's own. Not gVisor's: a terminal
// that a program opens there exists inside the sandbox only.
for (const runtime of runtimes.filter(({ name }) => name !== "runsc")) {
  t.test(
    `console-init in a container of ${runtime.name}: runc's RecvFd receives and uses the terminal`,
    {
      skip: needs(...runtime.needs, "runc-go"),
    },
    async (t) => {
      const dir = tempDir(t);
      const receiver = await runcReceiver(t, join(dir, "s"));
      const box = new Container(t, runtime, {
        args: ["/console-init", "--console-socket", "/run/console/s", "--size", "101x33", "--", "/bin/sh"],
        terminal: false,
        binds: { "/run/console": dir },
      });
      copyFileSync(staticConsoleInit, join(box.bundle, "rootfs/console-init"));
      t.match(await box.run(), { status: 0 });
      t.match(await received(receiver), { name: "/dev/ptmx", transcript: /42 on \/dev\/pts\/0\r\n33 101\r\n$/ });
    },
  );
}

/** A runc container whose program is console-init, with the directory of the socket bound in. */
function boxWithInit(t: Test, socketDirectory: string, options: string[], command: string[]): Container {
  const box = new Container(t, runc, {
    args: ["/console-init", "--console-socket", "/run/console/s", ...options, "--", ...command],
    terminal: false,
    binds: { "/run/console": socketDirectory },
  });
  copyFileSync(staticConsoleInit, join(box.bundle, "rootfs/console-init"));
  return box;
}

t.test("console-init in a container of runc: console-socket receives it", { skip: needs(...runc.needs) }, async (t) => {
  for (const options of [[], ["--init"]]) {
    const dir = tempDir(t);
    const listener = await listen(join(dir, "s"));
    const script = "tty; stty size; read line; echo got $line; cat /proc/1/comm; :";
    const box = boxWithInit(t, dir, ["--size=90x20", ...options], ["/bin/sh", "-c", script]);
    t.match(await box.run(), { status: 0 });
    const console = await listener.accept();
    listener.close();
    const transcript = new Transcript(console);
    await transcript.shows(/20 90/);
    console.write("line\n");
    const pid1 = options.length > 0 ? "console-init" : "sh";
    t.equal(await transcript.ended, `/dev/pts/0\r\n20 90\r\nline\r\ngot line\r\n${pid1}\r\n`);
    await box.stopped();
  }
});

t.test(
  "console-init in a container of runc: a receiver in Python",
  { skip: needs(...runc.needs, "python3") },
  async (t) => {
    const dir = tempDir(t);
    const steps = [{ listen: join(dir, "s") }, { accept: true }, { receive: true }, { size: true }] as const;
    const peer = startPeer(t, [...steps, { write: "echo $((6*7)); exit\n" }, { read: "nothing that comes" }]);
    await peer.step(0);
    const box = boxWithInit(t, dir, ["--size=101x33", "--init", "--name=box"], ["/bin/sh"]);
    t.match(await box.run(), { status: 0 });
    const reports = await peer.done();
    t.match(reports[2], { payload: "box", fds: 1, flags: 0 });
    t.strictSame(reports[3]?.size, [101, 33]);
    t.match(reports[5], { data: /\r\n42\r\n/, ended: "EIO" });
  },
);

t.test("console-init in a container of runc: the real conmon", { skip: needs(...runc.needs, "conmon") }, async (t) => {
  const dir = tempDir(t);
  const id = `conmon-${process.pid}`;
  const state = join(dir, "state");
  const script = "tty; echo $((6*7)); exit 5";
  const bundle = createBundle(t, {
    args: ["/console-init", "--console-socket", "/run/console", "--init", "--", "/bin/sh", "-c", script],
    terminal: false,
    binds: { "/run/console": "@SOCKET@" },
  });
  copyFileSync(staticConsoleInit, join(bundle, "rootfs/console-init"));
  t.teardown(() => run(t, "runc", ["--root", state, "delete", "--force", id]));
  const [exits, sockets] = ["exits", "sockets"].map((name) => join(dir, name)) as [string, string];
  for (const made of [exits, sockets]) mkdirSync(made);
  const identity = ["--sync", "--cid", id, "--cuuid", id, "--name", id, "--terminal"];
  const places = ["--bundle", bundle, "--runtime", fixture("conmon-runtime.sh"), "--exit-dir", exits];
  const files = [
    "--container-pidfile",
    join(dir, "pid"),
    "--conmon-pidfile",
    join(dir, "conmon"),
    "--socket-dir-path",
    sockets,
  ];
  const log = join(dir, "log");
  const { status, stderr } = await run(
    t,
    "conmon",
    [...identity, ...places, ...files, "--log-path", `k8s-file:${log}`],
    {
      env: { ...process.env, STATE: state, TMPDIR: dir },
    },
  );
  t.strictSame([status, stderr], [5, ""], "it ends as the container's program does");
  t.equal(readFileSync(join(exits, id), "utf8"), "5");
  // conmon clears ONLCR, sooner or later than the first line.
  t.equal(readFileSync(log, "utf8").replace(/^\S+ stdout F |\r/gm, ""), "/dev/pts/0\n42\n");
});
