// cmsg/process: processes by their pidfds.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { createInterface } from "node:readline";
import { OwnedFd, UnixSocket } from "cmsg";
import { eventfd, memfd, pipe } from "cmsg/create";
import { exitStatus, ProcessHandle } from "cmsg/process";
import { native } from "cmsg-native";
import t, { type Test } from "tap";
import { denied } from "../support/denied.js";
import { nodeProgram } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { run, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { SilentFuse } from "../support/silent-fuse.js";
import { until } from "../support/until.js";

function child(t: Test, script: string): ChildProcess & { pid: number } {
  const started = spawn("sh", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
  t.teardown(() => started.kill("SIGKILL"));
  return started as ChildProcess & { pid: number };
}

/** A process whose parent is a shell: `script` runs when `go` is called, and the shell reaps it at once, or never. */
async function grandchild(t: Test, script: string, { reaped = true } = {}) {
  const parent = child(t, `exec 3<&0; (read line <&3; ${script}) & echo $!; ${reaped ? "wait" : "exec sleep 100"}`);
  const { stdin, stdout } = parent;
  const [line] = (await once(createInterface({ input: stdout as NonNullable<typeof stdout> }), "line")) as [string];
  return { pid: Number(line), parent: parent.pid, go: () => stdin?.write("\n") };
}

/** Whether this kernel tells every holder of a pidfd how the process ended (Linux 6.15). */
async function tellsEverybody(t: Test): Promise<boolean> {
  const program = child(t, "exit 0");
  using handle = ProcessHandle.open(program.pid);
  await once(program, "exit");
  return (native.getPidfdInfo(handle.fd)?.status ?? -1) >= 0;
}

t.test("a child of child_process: pid, kill and exited; Node.js is told the status too", async (t) => {
  const tells = await tellsEverybody(t);
  const before = openFds();
  for (const [script, expected] of [
    ["read line; exit 7", { code: 7, signal: null }],
    ["read line; kill -9 $$", { code: null, signal: "SIGKILL" }],
  ] as const) {
    const program = child(t, script);
    const exit = once(program, "exit");
    const handle = ProcessHandle.open(program.pid);
    t.equal(handle.pid, program.pid);
    t.equal(handle.kill(0), true);
    const exited = handle.exited;
    program.stdin?.write("\n");
    // Node.js may reap it first, and then an older kernel tells nobody.
    const status = await exited;
    if (tells || status !== undefined) t.strictSame(status, expected);
    t.equal(handle.exited, exited, "one promise");
    t.strictSame(await exit, [expected.code, expected.signal]);
    t.equal(handle.kill(0), false);
    handle.close();
  }
  await assertNoLeak(t, before);
});

t.test("kill sends the signal, SIGTERM by default", async (t) => {
  const tells = await tellsEverybody(t);
  for (const signal of ["SIGUSR1", 10, 34, undefined] as const) {
    const program = child(t, "read line");
    using handle = ProcessHandle.open(program.pid);
    t.equal(handle.kill(signal), true);
    const name = signal === 10 ? "SIGUSR1" : signal === 34 ? "SIG34" : (signal ?? "SIGTERM");
    const status = await handle.exited;
    if (tells || status !== undefined) t.strictSame(status, { code: null, signal: name });
  }
});

t.test("kill [the process is a zombie] is false", async (t) => {
  const { pid, go } = await grandchild(t, "exit 3", { reaped: false });
  using handle = ProcessHandle.open(pid);
  t.equal(handle.kill(0), true);
  go();
  await until(() => !handle.kill(0), { what: "the process to end" });
  t.equal(process.kill(pid, 0), true, "its number was not reaped");
});

t.test("exited [no child of this process]: the status once its parent has reaped it", async (t) => {
  const tells = await tellsEverybody(t);
  const before = openFds();
  for (const [script, status] of [
    ["exit 7", { code: 7, signal: null }],
    ["kill -15 $(sh -c 'echo $PPID')", { code: null, signal: "SIGTERM" }],
  ] as const) {
    const { pid, go } = await grandchild(t, script);
    using handle = ProcessHandle.open(pid);
    const exited = handle.exited;
    go();
    t.strictSame(await exited, tells ? status : undefined);
    t.equal(handle.kill("SIGKILL"), false);
  }
  await assertNoLeak(t, before, { allow: /^pipe:|^socket:/ });
});

t.test("exited [its parent never reaps it] is undefined after a second", async (t) => {
  const { pid, go } = await grandchild(t, "exit 7", { reaped: false });
  using handle = ProcessHandle.open(pid);
  const { exited } = handle;
  go();
  t.equal(await exited, undefined);
});

t.test(
  "exited [reaped while this process has no turn for more than a second] has the status all the same",
  async (t) => {
    const tells = await tellsEverybody(t);
    const { pid, parent, go } = await grandchild(t, "exit 7");
    using handle = ProcessHandle.open(pid);
    const { exited } = handle;
    process.kill(parent, "SIGSTOP");
    go();
    await until(() => !handle.kill(0), { what: "the process to end" });
    await new Promise((resolve) => setTimeout(resolve, 50));
    child(t, `sleep 0.3; kill -CONT ${parent}`);
    // After its turn the event loop looks at timers first.
    await new Promise(setImmediate);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1300);
    t.strictSame(await exited, tells ? { code: 7, signal: null } : undefined);
  },
);

t.test("exited [asked for after the process was reaped] has the status where every holder is told", async (t) => {
  const tells = await tellsEverybody(t);
  const program = child(t, "exit 7");
  using handle = ProcessHandle.open(program.pid);
  await once(program, "exit");
  t.strictSame(await handle.exited, tells ? { code: 7, signal: null } : undefined);
  using copy = ProcessHandle.fromFd(new OwnedFd(native.dup(handle.fd)));
  t.equal(copy.pid, undefined, "the number is free");
  t.equal(copy.kill(0), false);
  t.strictSame(await copy.exited, tells ? { code: 7, signal: null } : undefined);
});

t.test("fromFd takes a pidfd that came over a socket, of a process that is no child", async (t) => {
  const before = openFds();
  const { pid, go } = await grandchild(t, "read line <&3");
  {
    const [one, other] = UnixSocket.pair();
    using _one = one;
    using _other = other;
    using sent = ProcessHandle.open(pid);
    await one.send(Buffer.from("p"), [sent.fd]);
    using message = await other.receive();
    using handle = ProcessHandle.fromFd(message?.fds.shift() as OwnedFd);
    sent.close();
    t.equal(handle.pid, pid);
    go();
    t.equal(handle.kill("SIGKILL"), true);
    await handle.exited;
    t.equal(handle.kill(0), false);
  }
  await assertNoLeak(t, before, { allow: /^pipe:|^socket:/ });
});

t.test("fromFd [a peer's pidfd, and this process's own]", async (t) => {
  const [one, other] = UnixSocket.pair();
  using _one = one;
  using _other = other;
  using own = ProcessHandle.open(process.pid);
  t.equal(own.pid, process.pid);
  t.equal(own.kill(0), true);
  let pidfd: OwnedFd;
  try {
    pidfd = one.peerPidfd();
  } catch (error) {
    t.match(error, { code: "ERR_CMSG_UNSUPPORTED" });
    return;
  }
  using peer = ProcessHandle.fromFd(pidfd);
  t.equal(peer.pid, process.pid);
});

t.test("fromFd [no pidfd] throws ERR_CMSG_NOT_PIDFD and leaves the descriptor", async (t) => {
  const [read, write] = pipe();
  const [one, other] = UnixSocket.pair();
  const files: Record<string, OwnedFd> = {
    read,
    write,
    socket: new OwnedFd(one.release()),
    eventfd: eventfd(),
    memfd: memfd("x"),
    file: new OwnedFd(openSync("/proc/version", "r")),
    directory: new OwnedFd(openSync("/", "r")),
    "a process's directory": new OwnedFd(openSync(`/proc/${process.pid}`, "r")),
  };
  for (const [what, fd] of Object.entries(files)) {
    t.throws(() => ProcessHandle.fromFd(fd), { code: "ERR_CMSG_NOT_PIDFD" }, what);
    t.equal(fd.closed, false, what);
    fd.close();
  }
  other.close();
  const number = openSync("/proc/version", "r");
  t.throws(() => ProcessHandle.fromFd(number), { code: "ERR_CMSG_NOT_PIDFD" });
  new OwnedFd(number).close();
  t.throws(() => ProcessHandle.fromFd(number), { code: "EBADF" });
  t.throws(() => ProcessHandle.fromFd(read), { code: "ERR_CMSG_CLOSED" });
});

t.test(
  "fromFd [a file whose file system does not answer] is refused at once",
  { skip: needs("fuse", "python3") },
  async (t) => {
    const fuse = await SilentFuse.mount(t);
    const program = start(t, ...nodeProgram("cmsg/refuse-silent-file", [fuse.path]));
    await program.output(/^open$/m);
    await fuse.silence();
    program.write("\n");
    t.match(await program.output(/^refused after (\d+) ms: (\w+)$/m), { 2: "ERR_CMSG_NOT_PIDFD" });
    await fuse.abort();
  },
);

t.test("open [no such process, a thread, no pid]", async (t) => {
  const program = child(t, "exit 0");
  await once(program, "exit");
  t.throws(() => ProcessHandle.open(program.pid), {
    code: "ESRCH",
    syscall: "pidfd_open",
    message: new RegExp(`^pidfd_open ESRCH: .*${program.pid} has ended and was reaped`),
  });
  for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 31, "1"] as never[])
    t.throws(() => ProcessHandle.open(pid), { code: "ERR_CMSG_INVALID_ARG", message: /^Expected pid / });
});

t.test("close: kill is false, fd throws, exited rejects unless the end was known", async (t) => {
  const before = openFds();
  const program = child(t, "read line");
  const handle = ProcessHandle.open(program.pid);
  const { exited } = handle;
  const unheard = ProcessHandle.open(program.pid);
  void unheard.exited;
  unheard.close();
  handle.close();
  handle.close();
  t.equal(handle.closed, true);
  await t.rejects(exited, { code: "ERR_CMSG_CLOSED" });
  t.equal(handle.kill("SIGKILL"), false);
  t.throws(() => handle.fd, { code: "ERR_CMSG_CLOSED" });
  const unwatched = ProcessHandle.open(program.pid);
  unwatched.close();
  await t.rejects(unwatched.exited, { code: "ERR_CMSG_CLOSED" });
  const ended = ProcessHandle.open(program.pid);
  program.stdin?.write("\n");
  const status = await ended.exited;
  ended.close();
  t.equal(await ended.exited, status);
  await assertNoLeak(t, before, { allow: /^pipe:|^socket:/ });
});

t.test("exited keeps this process, and unref lets it end", async (t) => {
  const tells = await tellsEverybody(t);
  const [kept, left, late] = await Promise.all(
    ["ref", "unref", "unref-late"].map((how) => run(t, ...nodeProgram("cmsg/wait-for-process", [how]))),
  );
  t.match(kept, { stdout: tells ? "SIGTERM\n" : /^(SIGTERM|undefined)\n$/, status: 0, stderr: "" });
  t.match(left, { stdout: "", status: 0, stderr: "" });
  t.match(late, { stdout: "", status: 0, stderr: "" });
});

t.test("exitStatus splits a wait status", async (t) => {
  t.strictSame(exitStatus(0), { code: 0, signal: null });
  t.strictSame(exitStatus(0x0700), { code: 7, signal: null });
  t.strictSame(exitStatus(0xff00), { code: 255, signal: null });
  t.strictSame(exitStatus(0x000f), { code: null, signal: "SIGTERM" });
  t.strictSame(exitStatus(0x008b), { code: null, signal: "SIGSEGV" }, "with a core dump");
  t.strictSame(exitStatus(34), { code: null, signal: "SIG34" });
});

t.test(
  "fromFd [the process is outside of this PID namespace] has no pid and no status, cannot signal, and sees the end",
  { skip: needs("unshare", "user-namespaces") },
  async (t) => {
    const program = child(t, "read line; exit 7");
    using handle = ProcessHandle.open(program.pid);
    const namespace = ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];
    const command = nodeProgram("cmsg/hold-inherited-process").flat();
    const inside = start(t, "unshare", [...namespace, ...command], { fds: [handle.fd] });
    await inside.output(/^pid: undefined, kill: EINVAL$/m);
    program.stdin?.write("\n");
    t.match(await inside.ended, { stdout: /^ended: unknown$/m, stderr: "" });
  },
);

const GET_INFO = "ioctl:0xc040ff0b";

t.test("a kernel without what is needed", { skip: needs("python3") }, async (t) => {
  const program = nodeProgram("cmsg/look-at-process").flat();
  const asked = async (...denials: string[]): Promise<string[]> => {
    const [command, ...args] = denials.length > 0 ? denied(...denials) : ["env"];
    const { stdout, stderr } = await run(t, command as string, [...args, ...program]);
    t.equal(stderr, "");
    return stdout.trim().split("\n");
  };
  const unsupported =
    /^CmsgError ERR_CMSG_UNSUPPORTED A process handle \(pidfd_open\) needs Linux 5\.3 or newer; this is /;
  t.match(await asked(), ["own pid: true", /^exited: /, "no pidfd: ERR_CMSG_NOT_PIDFD"]);
  t.match(await asked(`${GET_INFO}=ENOTTY`), ["own pid: true", "exited: nothing", "no pidfd: ERR_CMSG_NOT_PIDFD"]);
  t.match(await asked("pidfd_open=ENOSYS"), [unsupported]);
  t.match(await asked("pidfd_send_signal=EPERM"), [/^Error EPERM pidfd_send_signal EPERM/], "a filter proves nothing");
  t.match(await asked("pidfd_send_signal=ENOSYS"), [/^Error ENOSYS pidfd_send_signal ENOSYS/]);
});

t.test("without /proc", { skip: needs("python3", "unshare", "user-namespaces") }, async (t) => {
  const program = nodeProgram("cmsg/look-at-process").flat();
  const hidden = ["--user", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"];
  const info = native.getPidfdInfo(ProcessHandle.open(process.pid).fd) !== null;
  const { stdout, stderr } = await run(t, "unshare", [...hidden, ...program]);
  t.match(
    stdout.split("\n"),
    [`own pid: ${info ? true : undefined}`, /^exited: /, "no pidfd: ERR_CMSG_NOT_PIDFD"],
    stderr,
  );
  const [command, ...args] = denied(`${GET_INFO}=ENOTTY`);
  const neither = await run(t, "unshare", [...hidden, command, ...args, ...program]);
  t.match(
    neither.stdout.split("\n"),
    ["own pid: undefined", "exited: nothing", "no pidfd: ERR_CMSG_NOT_PIDFD"],
    neither.stderr,
  );
});
