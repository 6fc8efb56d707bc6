// spawnConsole(): a command on a terminal of its own, plain or in namespaces by unshare, bwrap and nsenter.
import { mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { getuid } from "node:process";
import { type ConsoleProcess, type SpawnConsoleOptions, spawnConsole } from "console-init";
import { type PtyConsole, receiveConsole } from "console-socket";
import t, { type Test } from "tap";
import { nodeProgram } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { run, start, waitGone } from "../support/processes.js";
import { rejection } from "../support/rejection.js";
import { needs } from "../support/requirements.js";
import { createRootfs } from "../support/rootfs.js";
import { SilentFuse } from "../support/silent-fuse.js";
import { tempDir } from "../support/temp-dir.js";
import { Transcript } from "../support/transcript.js";
import { needsStatic } from "./receiver.js";

const sandboxed = needs("unshare", "user-namespaces") || needsStatic;
const all = { user: true, pid: true, mount: true, uts: true, ipc: true, net: true, cgroup: true };
const PATH = "/bin:/usr/bin:/usr/sbin:/sbin";

/** Runs a shell's script on it to the end; with `hold`, not before its pid is known. */
async function shows(t: Test, script: string, options: SpawnConsoleOptions) {
  const { program, console } = await startShell(t, script, options);
  if (options.hold) await program.ready.then(() => program.go());
  const shown = await new Transcript(console).ended;
  return { shown, ...(await program.exited), pid: await program.ready };
}

async function startShell(t: Test, script: string, options: SpawnConsoleOptions) {
  const program: ConsoleProcess = spawnConsole("sh", ["-c", script], { env: { PATH, TERM: "xterm" }, ...options });
  t.teardown(() => program.kill("SIGKILL"));
  let console: PtyConsole;
  try {
    console = await receiveConsole(program.socket);
  } catch (error) {
    throw new Error((await program.exited).stderr || String(error));
  }
  return { program, console };
}

function rootfs(t: Test): string {
  const dir = tempDir(t);
  createRootfs(dir);
  return dir;
}

t.test("disposing of it closes the socket: a console that was not received is hung up", async (t) => {
  const before = openFds();
  const program = await (async () => {
    using started = spawnConsole("cat");
    await started.ready;
    return started;
  })();
  t.ok(program.socket.closed);
  t.match(await program.exited, { code: null, signal: "SIGHUP" });
  await assertNoLeak(t, before);
});

t.test("kill [the command was reaped, and another process has its number] is false", { skip: sandboxed }, async (t) => {
  // In the place of unshare: it reaps the command and stays, as unshare does for a moment.
  const slow = tempDir(t);
  const script = '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\n"$@" &\nwait $!\nexec sleep 1000\n';
  writeFileSync(join(slow, "unshare"), script, { mode: 0o755 });
  const namespace = ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];
  for (const [args, path] of [
    [[], PATH],
    [["pid"], `${slow}:${PATH}`],
  ] as const) {
    const program = nodeProgram("init/kill-after-reaping", args).flat();
    const { stdout, stderr } = await run(t, "unshare", [...namespace, "env", `PATH=${path}`, ...program]);
    t.equal(stdout, "number reused, kill: false, the other process lives\n", stderr);
  }
});

t.test("spawnConsole pdeathsig takes every name that Node.js has", async (t) => {
  for (const pdeathsig of ["SIGPOLL", "SIGSTKFLT", "SIGIOT", "SIGKILL"] as const)
    t.match(await shows(t, "echo runs", { pdeathsig }), { shown: /runs/, code: 0, stderr: "" }, pdeathsig);
});

t.test("spawnConsole(): what cannot be started", async (t) => {
  const before = openFds();
  using box = spawnConsole("true", [], { cwd: "/nonexistent" });
  t.equal(box.kill(), true, "nothing is known yet");
  t.match(await rejection(box.process), { code: "ENOENT", syscall: "chdir", path: "/nonexistent" });
  t.match(await rejection(box.ready), { code: "ERR_INIT_FAILED", message: /chdir ENOENT/ });
  t.match(await box.exited, { code: 127, signal: null, stderr: /chdir ENOENT/ });
  t.equal(box.kill(), false);
  box.socket.close();
  await assertNoLeak(t, before);
});

t.test("spawnConsole(): killed before it was started", async (t) => {
  const before = openFds();
  using box = spawnConsole("sleep", ["1000"]);
  t.equal(box.kill(), true);
  t.match(await box.exited, { code: null, signal: "SIGKILL" });
  t.equal((await box.process).closed, true);
  box.socket.close();
  await assertNoLeak(t, before);
});

t.test(
  "spawnConsole() in a process that holds a file whose close never returns",
  { skip: needs("fuse", "python3") },
  async (t) => {
    const fuse = await SilentFuse.mount(t);
    const program = start(t, ...nodeProgram("init/spawn-beside-fuse", [fuse.path]));
    await program.output(/^open$/m);
    await fuse.silence();
    program.write("go\n");
    await program.output(/^status 3$/m);
    await fuse.abort();
    t.equal((await program.ended).status, 0);
  },
);

t.test("spawnConsole() with pdeathsig in a Worker: the command outlives the Worker, and not the process", async (t) => {
  const program = start(t, ...nodeProgram("init/spawn-in-worker"));
  const [, pid] = await program.output(/^the Worker has ended, (\d+) lives$/m);
  program.kill("SIGKILL");
  await waitGone(Number(pid));
  t.pass("it got the signal");
});

t.test("spawnConsole() without namespaces", async (t) => {
  const before = openFds();
  const initialSize = { columns: 91, rows: 31 };
  const dir = tempDir(t);
  const plain = await shows(t, "stty size; pwd; echo $$ $ONLY; exit 3", {
    initialSize,
    cwd: dir,
    env: { PATH, ONLY: "this" },
    name: "box",
  });
  t.match(plain, { shown: `31 91\r\n${dir}\r\n${plain.pid} this\r\n`, code: 3, signal: null, stderr: "" });
  const init = await shows(t, "echo $PPID; (sleep 0.2; kill -9 $$) & wait", { init: true, subreaper: true });
  t.match(init, { shown: `${init.pid}\r\n`, code: 137 });
  const owned = await shows(t, "true", { owner: getuid?.() ?? 0, pdeathsig: "SIGKILL", group: true, init: true });
  t.match(owned, { code: 0, stderr: "" });
  await assertNoLeak(t, before);
});

t.test("spawnConsole() [hold] waits for go()", async (t) => {
  const { program, console } = await startShell(t, "echo ran", { hold: true, timeoutMs: 10_000 });
  const transcript = new Transcript(console);
  await program.ready;
  t.equal(transcript.text, "");
  await program.go();
  t.equal(await transcript.ended, "ran\r\n");
  t.match(await program.exited, { code: 0 });
  t.equal(program.kill(), false, "there is nobody left to signal");
});

t.test("spawnConsole() [it fails] says so in `ready` and in `exited`", async (t) => {
  const before = openFds();
  const fails = async (options: SpawnConsoleOptions, message: RegExp, status: number, command = "true") => {
    const { ready, exited, socket } = spawnConsole(command, [], options);
    await t.rejects(ready, { name: "InitError", code: "ERR_INIT_FAILED", message });
    t.match(await exited, { code: status, stderr: message });
    await t.rejects(receiveConsole(socket), { code: "ERR_CONSOLE_NONE" });
  };
  await fails({ ptmx: "/dev/null" }, /expected the terminal multiplexer/, 125);
  await fails({ cwd: "/nonexistent" }, /ENOENT/, 127);
  const late = spawnConsole("true", [], { hold: true, timeoutMs: 100 });
  t.match(await late.exited, { code: 125, stderr: /--timeout: .* within 100 ms/ });
  late.socket.close();
  const missing = spawnConsole("/no/such/command");
  const console = await receiveConsole(missing.socket);
  t.match(await missing.exited, { code: 127, stderr: /no such file/ });
  console.destroy();
  await assertNoLeak(t, before);
});

t.test("spawnConsole() refuses what contradicts itself", async (t) => {
  const range = { inside: 0, outside: 100_000, count: 10 };
  const wrong: SpawnConsoleOptions[] = [
    { initialSize: { columns: 0, rows: 0 } },
    { join: { pid: 1 }, namespaces: { pid: true } },
    { join: { pid: 1 }, root: { path: "/", by: "chroot" } },
    { namespaces: { user: { uid: 7, gid: 7 }, mount: true } },
    { namespaces: { user: { uid: -1, gid: 7 } } },
    { namespaces: { user: { uids: { ...range, count: 1.5 }, gids: range } } },
    { namespaces: { user: { uids: range } as never } },
    { namespaces: { user: { uids: range, gids: range } }, root: { path: "/", by: "pivot_root" } },
  ];
  for (const options of wrong) t.throws(() => spawnConsole("true", [], options), { code: "ERR_INIT_INVALID_ARG" });
  const { PATH: given } = process.env;
  try {
    process.env["PATH"] = "/nonexistent";
    const noTool = { code: "ERR_INIT_NO_TOOL", message: /bwrap in PATH; .* Debian: bubblewrap/ };
    t.throws(() => spawnConsole("true", [], { root: { path: "/", by: "pivot_root" } }), noTool);
  } finally {
    process.env["PATH"] = given;
  }
});

t.test("spawnConsole() in namespaces, by unshare", { skip: sandboxed }, async (t) => {
  const other = 'for n in user pid mnt uts ipc net cgroup; do readlink /proc/self/ns/$n; done; echo "$(id -u) $(tty)"';
  const { shown, code, stderr } = await shows(t, other, { namespaces: all });
  t.strictSame([code, stderr], [0, ""]);
  const lines = shown.trim().split("\r\n");
  t.equal(lines.pop(), "0 /dev/pts/0");
  const own = ["user", "pid", "mnt", "uts", "ipc", "net", "cgroup"].map((name) =>
    readlinkSync(`/proc/self/ns/${name}`),
  );
  t.equal(lines.length, own.length);
  t.strictSame(
    own.filter((namespace) => lines.includes(namespace)),
    [],
    "each is another",
  );
  const mapped = await shows(t, 'echo "$(id -u) $(id -g)"', { namespaces: { user: { uid: 7, gid: 8 } } });
  t.equal(mapped.shown, "7 8\r\n");
});

t.test("spawnConsole() [user, in namespaces] runs the command as that user", { skip: sandboxed }, async (t) => {
  const script = 'echo "$(id -u) $(id -g)"; grep Groups /proc/self/status';
  const cases: [SpawnConsoleOptions, string][] = [
    [{ namespaces: { user: true }, user: { uid: 0, gid: 0 } }, "0 0"],
    [{ namespaces: all, user: { uid: 0, gid: 0 } }, "0 0"],
    [{ namespaces: { user: { uid: 7, gid: 8 } }, user: { uid: 7, gid: 8 } }, "7 8"],
  ];
  for (const [options, ids] of cases) {
    // A command that has ended has no pid any more.
    const { shown, code, stderr, pid } = await shows(t, script, { ...options, hold: true });
    t.match({ code, stderr, pid }, { code: 0, stderr: "", pid: Number }, JSON.stringify(options));
    // 65534 stands for what the namespace does not map: the login's other groups, which the kernel does not let go.
    t.match(shown, new RegExp(`^${ids}\r\nGroups:[\t ]*((${ids.split(" ")[1]}|65534) )*\r\n$`));
  }
});

t.test("spawnConsole() [a user that is not mapped] rejects `ready` with the reason", { skip: sandboxed }, async (t) => {
  for (const init of [false, true]) {
    const options = { namespaces: { user: true }, user: { uid: 77, gid: 0 }, owner: 0, init };
    const { ready, exited, socket } = spawnConsole("true", [], options);
    const console = await receiveConsole(socket);
    // A login in several groups is refused one step earlier: another user must not get those that the kernel keeps.
    const reason =
      "become user 77, got an id that this user namespace does not map|give up the supplementary groups, got";
    const message = new RegExp(`--user: expected to (${reason})`);
    await t.rejects(ready, { code: "ERR_INIT_FAILED", message });
    t.match(await exited, { code: 125, stderr: message });
    t.equal(await new Transcript(console).ended, "", "the console ends at once");
  }
});

t.test(
  "spawnConsole() in a PID namespace: console-init is PID 1, and takes signals",
  { skip: sandboxed },
  async (t) => {
    const { program, console } = await startShell(t, "trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done", {
      namespaces: { user: true, pid: true, mount: true },
    });
    const transcript = new Transcript(console);
    await transcript.shows(/ready/);
    const pid = await program.ready;
    t.match(readFileSync(`/proc/${pid}/status`, "utf8"), /^NSpid:\t\d+\t1$/m);
    t.equal(program.kill("SIGTERM"), true);
    t.match(await program.exited, { code: 5 });
    await transcript.ended;

    const second = await startShell(t, "echo ready; sleep 1000", { namespaces: { user: true, pid: true } });
    await new Transcript(second.console).shows(/ready/);
    const init = (await second.program.ready) as number;
    (await second.program.process).kill("SIGKILL");
    await second.program.exited;
    await waitGone(init); // it does not outlive what was started
  },
);

const inRoot = "tty; echo x > /dev/null; ls -d1 /proc/1 /etc; cat /proc/1/comm; ls /home 2>&1; exit 4";
const inRootShown =
  /^\/dev\/pts\/0\r\n\/etc\r\n\/proc\/1\r\n\.console-init\r\nls: \/home: No such file or directory\r\n$/;

for (const [by, need] of [
  ["chroot", []],
  ["pivot_root", ["bwrap"]],
] as const) {
  const skip = sandboxed || needs("busybox", ...need);
  t.test(`spawnConsole() in a root file system, by ${by}`, { skip }, async (t) => {
    const root = { path: rootfs(t), by };
    const options = { root, namespaces: { user: true, pid: true } };
    const { shown, code, stderr } = await shows(t, inRoot, { ...options, env: { PATH: "/bin" } });
    t.strictSame([code, stderr], [4, ""]);
    t.match(shown, inRootShown);
    const { stdout } = await run(t, "find", [join(root.path, "dev"), join(root.path, "proc")]);
    t.equal(stdout, `${root.path}/dev\n${root.path}/proc\n`, "nothing is left in it");
  });
}

t.test(
  "spawnConsole() [newuidmap] maps ranges of ids",
  { skip: sandboxed || needs("root", "newuidmap") },
  async (t) => {
    // The ranges that root may map, in a mount namespace: this machine's own stay as they are.
    const ranges = join(tempDir(t), "ranges");
    writeFileSync(ranges, "root:100000:1000\n");
    const bound = `for f in subuid subgid; do touch /etc/$f; mount --bind ${ranges} /etc/$f; done; exec "$@"`;
    const node = nodeProgram("init/show-id-ranges").flat();
    const { stdout, stderr } = await run(t, "unshare", ["--mount", "sh", "-c", bound, "sh", ...node]);
    t.equal(stderr, "");
    const map = " +0 +100000 +1000\r\n";
    t.match(stdout, new RegExp(`^0\r\n0\r\n${map}${map}0:0\r\n$`));
  },
);

t.test(
  "spawnConsole() [bwrap] maps any user",
  { skip: sandboxed || needs("busybox", "bwrap", "openat2") },
  async (t) => {
    const namespaces = { user: { uid: 1234, gid: 567 } };
    const options = { root: { path: rootfs(t), by: "pivot_root" as const }, namespaces, env: { PATH: "/bin" } };
    t.equal((await shows(t, 'echo "$(id -u) $(id -g)"', options)).shown, "1234 567\r\n");
    const user = namespaces.user;
    t.equal((await shows(t, 'echo "$(id -u) $(id -g)"', { ...options, user })).shown, "1234 567\r\n", "with --user");
  },
);

t.test("spawnConsole() [a root that links out] refuses it", { skip: sandboxed }, async (t) => {
  const dir = tempDir(t);
  mkdirSync(join(dir, "proc"));
  symlinkSync("/dev", join(dir, "dev"));
  const { exited, socket } = spawnConsole("sh", [], { root: { path: dir, by: "chroot" }, namespaces: all });
  t.match(await exited, { code: 125, stderr: /dev is a symbolic link/ });
  socket.close();
});

t.test("spawnConsole() joins what runs, by nsenter", { skip: sandboxed || needs("busybox") }, async (t) => {
  const root = { path: rootfs(t), by: "chroot" as const };
  const env = { PATH: "/bin" };
  const box = await startShell(t, "echo ready; sleep 1000", { root, namespaces: all, env });
  await new Transcript(box.console).shows(/ready/);
  const pid = (await box.program.ready) as number;
  const { shown, code } = await shows(t, "tty; cat /proc/1/comm; exit 6", { join: { pid }, env });
  t.strictSame([shown, code], ["/dev/pts/1\r\n.console-init\r\n", 6]);
  box.program.kill("SIGKILL");
  t.not((await box.program.exited).code, 0);
});
