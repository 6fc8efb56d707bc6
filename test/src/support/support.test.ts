// The machinery the other tests stand on: each part once, without the packages under test.
import { execFileSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { goProgram } from "./go-program.js";
import { assertNoLeak, openFds } from "./open-fds.js";
import { fixture } from "./paths.js";
import { startPeer } from "./peer.js";
import { childrenOf, isAlive, processesNaming, run, start, waitGone } from "./processes.js";
import { needs } from "./requirements.js";
import { SilentFuse } from "./silent-fuse.js";
import { tempDir } from "./temp-dir.js";
import { Tmux } from "./tmux.js";

t.test("needs() is false when everything is there, and names each missing thing once", async (t) => {
  t.equal(needs(), false);
  t.match(String(needs("runc-go", "runc-go", "fuse")), /^false$|^[^;]+(; [^;]+)?$/);
});

t.test("assertNoLeak passes when what was opened is closed", async (t) => {
  const before = openFds();
  const fd = openSync("/dev/null", "r");
  setTimeout(() => closeSync(fd), 100);
  await assertNoLeak(t, before);
});

t.test("assertNoLeak [a descriptor stays open] fails and says which", async (t) => {
  const before = openFds();
  const fd = openSync("/dev/null", "r");
  let left: string[] = [];
  const asserts = {
    strictSame(found: string[]) {
      left = found;
      return false;
    },
  };
  await assertNoLeak(asserts, before, { timeoutMs: 50 });
  t.strictSame(left, [`${fd} -> /dev/null`]);
  closeSync(fd);
});

t.test("start() ends what it started with its test", async (t) => {
  let pid = 0;
  let child = 0;
  await t.test("a program with a child", async (t) => {
    const program = start(t, "sh", ["-c", "sleep 1000 & echo ready; wait"]);
    await program.output(/ready/);
    pid = program.pid;
    [child = 0] = childrenOf(pid);
    t.ok(isAlive(pid) && isAlive(child));
  });
  t.notOk(isAlive(pid));
  process.kill(child);
  await waitGone(child);
});

t.test("a program that cannot be started ends with status 127", async (t) => {
  t.match(await run(t, "/no/such/program", []), { status: 127, stderr: /ENOENT/ });
});

t.test("output() [the program ends without it] rejects with what it said", async (t) => {
  await t.rejects(start(t, "sh", ["-c", "echo something else"]).output(/ready/), /something else/);
});

t.test("the peer sends what it is told to, and reports errors", { skip: needs("python3") }, async (t) => {
  const socket = join(tempDir(t), "s");
  const listener = startPeer(t, [
    { listen: socket },
    { accept: true },
    { receive: true },
    { receive: true },
    { receive: true },
    { hold: true },
  ]);
  await listener.step(0);
  const sender = startPeer(t, [
    { connect: socket },
    { send: { payload: "kinds", fds: ["file", "fifo", "slave", "opath", "opath-ptmx", "dead-master", "pipe"] } },
    { send: { payload: { repeat: "x", times: 4096 }, fds: [{ kind: "null", times: 253 }] } },
    { close: true },
  ]);
  await sender.done();
  t.match(await listener.step(2), { payload: "kinds", fds: 7 });
  t.match(await listener.step(3), { payload: "x".repeat(4096), fds: 253 });
  t.match(await listener.step(4), { payload: "", fds: 0 }, "the end");
  t.ok(isAlive(listener.program.pid), "it holds");
  listener.goOn();
  t.equal((await listener.program.ended).status, 0);
  t.match(await startPeer(t, [{ connect: `${socket}-none` }]).done(), [{ step: "connect", error: "ENOENT" }]);
});

t.test("a silent FUSE file blocks fstat until the daemon is gone", { skip: needs("fuse", "python3") }, async (t) => {
  let path = "";
  await t.test("mounted", async (t) => {
    const fuse = await SilentFuse.mount(t);
    path = fuse.path;
    // Whoever touches the file must be another process: this one could not go on to end the daemon.
    const victim = start(t, "python3", [fixture("fstat-twice.py"), path]);
    await victim.output(/open/);
    await fuse.silence();
    victim.write("\n");
    await victim.output(/asking/);
    await t.rejects(victim.output(/answered|connected/, 200), "no answer");
    await fuse.abort();
    t.match((await victim.ended).stdout, /endpoint is not connected|connection abort/i);
  });
  t.notOk(readFileSync("/proc/self/mountinfo", "utf8").includes(path), "no mount is left");
  t.strictSame(processesNaming(path), [], "no daemon is left");

  let stuck = 0;
  await t.test("left to the teardown, with a process that cannot end before the daemon", async (t) => {
    const fuse = await SilentFuse.mount(t);
    path = fuse.path;
    const peer = startPeer(t, [{ open: path }, { hold: true }]);
    stuck = peer.program.pid;
    await peer.step(0);
    await fuse.silence();
  });
  await waitGone(stuck);
  t.notOk(existsSync(path) || readFileSync("/proc/self/mountinfo", "utf8").includes(path), "no mount is left");
});

t.test("tmux shows a program's screen and tells how it ended", { skip: needs("tmux") }, async (t) => {
  const tmux = await Tmux.start(
    t,
    ["sh", "-c", 'stty size; read line; echo "got $line"; read line; stty size; exit 5'],
    {
      columns: 90,
      rows: 20,
    },
  );
  await tmux.waitFor(/^20 90$/m);
  await tmux.type("some text");
  await tmux.press("Enter");
  await tmux.waitFor(/^got some text$/m);
  await tmux.resize({ columns: 70, rows: 15 });
  await tmux.press("Enter");
  await tmux.waitFor(/^15 70$/m);
  t.equal(await tmux.exitStatus(), 5);
  t.match(await tmux.tty(), /^\/dev\/pts\/\d+$/);
  const killed = await Tmux.start(t, ["sh", "-c", "kill -TERM $$"]);
  t.equal(await killed.exitStatus(), 128 + 15);
});

t.test("runc's RecvFd receives from the peer", { skip: needs("runc-go", "python3") }, async (t) => {
  const socket = join(tempDir(t), "s");
  const receiver = start(t, await goProgram(t, "recvfd"), [socket, "typed"]);
  await receiver.output(/^listening$/m);
  const peer = startPeer(t, [
    { connect: socket },
    { send: { payload: "/dev/ptmx", fds: ["master"] } },
    { read: "typed\n" },
    { write: "the answer" },
  ]);
  t.match((await peer.done()).at(-1), { step: "write" });
  const { status, stdout } = await receiver.ended;
  t.equal(status, 0);
  t.match(JSON.parse(stdout.split("\n")[1] ?? ""), {
    name: "/dev/ptmx",
    ended: /input\/output error/,
    transcript: /typed\r\nthe answer$/,
  });
});

t.test("a program built once is not built again", { skip: needs("runc-go") }, async (t) => {
  const binary = await goProgram(t, "recvfd");
  const inode = execFileSync("stat", ["-c", "%i", binary], { encoding: "utf8" });
  await goProgram(t, "recvfd");
  t.equal(execFileSync("stat", ["-c", "%i", binary], { encoding: "utf8" }), inode);
});
