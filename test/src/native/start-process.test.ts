// startProcess(): children that get nothing but what they are given, started by a thread that the event loop does not
// wait for.
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { UnixSocket } from "cmsg";
import { startProcess } from "cmsg-native/start-process";
import t, { type Test } from "tap";
import { nodeProgram, programFile } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { isAlive, run, start } from "../support/processes.js";
import { rejection } from "../support/rejection.js";
import { needs } from "../support/requirements.js";
import { SilentFuse } from "../support/silent-fuse.js";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";

/** What a shell's script prints, and how it ends. */
async function shell(t: Test, script: string, options: Parameters<typeof startProcess>[1] = {}) {
  const output = join(tempDir(t), "output");
  const file = openSync(output, "w");
  const started = await startProcess("/bin/sh", {
    argv: ["sh", "-c", script],
    descriptors: ["null", file, file],
    ...options,
  });
  closeSync(file);
  const status = await started.exited;
  return { status, output: readFileSync(output, "utf8"), pid: started.pid };
}

/** Of this process, zombies too. */
function children(): number[] {
  return readdirSync("/proc/self/task").flatMap((task) => {
    const pids = readFileSync(`/proc/self/task/${task}/children`, "latin1").split(" ");
    return pids.filter(Boolean).map(Number);
  });
}

t.test("the child", async (t) => {
  t.test("has the given descriptors and no other, whatever this process was given or has open", async (t) => {
    const inheritable = openSync("/dev/null", "r");
    t.teardown(() => closeSync(inheritable));
    const { output, status } = await shell(t, "cd /proc/self/fd && echo *");
    // 3 is the directory, which the shell reads.
    t.equal(output, "0 1 2 3\n");
    t.equal(status, 0);
  });

  t.test("has each at its place, also where their numbers are each other's", async (t) => {
    const dir = tempDir(t);
    const files = Array.from({ length: 8 }, (_, i) => openSync(join(dir, String(i)), "w"));
    const reversed = [...files].reverse();
    const script = "for i in 3 4 5 6 7; do echo $i >&$i; done";
    const started = await startProcess("/bin/sh", { argv: ["sh", "-c", script], descriptors: reversed });
    t.equal(await started.exited, 0);
    for (const fd of files) closeSync(fd);
    t.strictSame(
      [3, 4, 5, 6, 7].map((number) => readFileSync(join(dir, String(7 - number)), "utf8")),
      ["3\n", "4\n", "5\n", "6\n", "7\n"],
    );
  });

  t.test("has the given arguments, environment and directory", async (t) => {
    const dir = realpathSync(tempDir(t));
    const { output } = await shell(t, 'pwd; echo "$WORD"; export -p | grep -c HOME', {
      cwd: dir,
      env: { WORD: "a word" },
    });
    t.equal(output, `${dir}\na word\n0\n`);
  });

  t.test("has this process's environment and directory by default", async (t) => {
    const { output } = await shell(t, "pwd -P; env | grep -c ^PATH=");
    t.equal(output, `${process.cwd()}\n1\n`);
  });

  t.test("ignores, catches and blocks no signal, although Node.js does", async (t) => {
    const { output } = await shell(t, "grep -E '^Sig(Blk|Ign)' /proc/self/status");
    t.match(readFileSync("/proc/self/status", "latin1"), /^SigIgn:\s0*[1-9a-f]/m, "this process ignores one");
    t.equal(output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  });

  t.test("is in this session, or in one of its own", async (t) => {
    const sessionOf = (stat: string) => Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]);
    const here = sessionOf(readFileSync("/proc/self/stat", "latin1"));
    const shared = await shell(t, "cat /proc/$$/stat");
    t.equal(sessionOf(shared.output), here);
    const own = await shell(t, "cat /proc/$$/stat", { ownSession: true });
    t.equal(sessionOf(own.output), own.pid);
  });
});

t.test("how it ended comes once, and its number is free then", async (t) => {
  const before = openFds();
  t.equal((await shell(t, "exit 7")).status, 7 << 8);
  const started = await startProcess("/bin/sleep", { argv: ["sleep", "1000"] });
  t.ok(isAlive(started.pid));
  t.ok(started.kill(15));
  t.equal(await started.exited, 15);
  t.equal(started.kill(15), false, "no other process of that number is signalled");
  t.strictSame(children(), [], "reaped");
  await assertNoLeak(t, before);
});

t.test("what cannot be started is refused, and leaves nothing", async (t) => {
  const before = openFds();
  const dir = tempDir(t);
  writeFileSync(join(dir, "file"), "");
  const cases: [string, Parameters<typeof startProcess>, object][] = [
    ["no such file", ["/nonexistent"], { code: "ENOENT", syscall: "spawn /nonexistent", path: "/nonexistent" }],
    ["not executable", [join(dir, "file")], { code: "EACCES", errno: -13 }],
    [
      "no such directory",
      ["/bin/true", { cwd: "/nonexistent" }],
      { code: "ENOENT", syscall: "chdir", path: "/nonexistent" },
    ],
    ["a NUL byte", ["/bin/true", { argv: ["true", "a\0b"] }], { code: "ERR_INVALID_ARG_VALUE" }],
    ["a closed descriptor", ["/bin/true", { descriptors: [1_000_000] }], { code: "EBADF" }],
    ["too many descriptors", ["/bin/true", { descriptors: Array(17).fill("null") }], { code: "E2BIG" }],
  ];
  for (const [name, parameters, error] of cases) {
    t.match(await rejection(startProcess(...parameters)), error, name);
  }
  t.strictSame(children(), []);
  await assertNoLeak(t, before);
});

t.test("300 at once: each its own status, and nothing is left", async (t) => {
  const before = openFds();
  const ends = await Promise.all(
    Array.from({ length: 300 }, async (_, i) => {
      const started = await startProcess("/bin/sh", { argv: ["sh", "-c", `exit ${i % 256}`], descriptors: ["null"] });
      return started.exited;
    }),
  );
  t.strictSame(
    ends,
    Array.from({ length: 300 }, (_, i) => (i % 256) << 8),
  );
  t.strictSame(children(), []);
  await assertNoLeak(t, before);
});

t.test("no free descriptor: it rejects with EMFILE, and no process is left", async (t) => {
  const [node, args] = nodeProgram("native/start-at-the-limit");
  const { status, stdout, stderr } = await run(t, "sh", ["-c", 'ulimit -n 64; exec "$0" "$@"', node, ...args]);
  t.equal(stdout, "EMFILE, no child; then status 0\n", stderr);
  t.equal(status, 0);
});

t.test(
  "a descriptor whose close never returns is not the child's to close",
  { skip: needs("fuse", "python3") },
  async (t) => {
    const fuse = await SilentFuse.mount(t);
    const program = start(t, ...nodeProgram("native/start-beside-fuse", [fuse.path]));
    await program.output(/^open$/m);
    await fuse.silence();
    program.write("go\n");
    // Ten times what it takes; child_process.spawn() would stand for as long as the daemon is silent.
    const [, stall] = await program.output(/^status 0, the event loop stood for at most (\d+) ms$/m);
    t.ok(Number(stall) < 2000, `${stall} ms`);
    await fuse.abort();
    t.equal((await program.ended).status, 0);
  },
);

t.test("a Worker that ends leaves its processes running, reaped when they end", async (t) => {
  const worker = new Worker(programFile("native/start-in-worker"));
  const [pid] = (await once(worker, "message")) as [number];
  t.ok(isAlive(pid));
  await worker.terminate();
  t.ok(isAlive(pid));
  process.kill(pid, "SIGKILL");
  await until(() => !children().includes(pid), { what: "it to be reaped", timeoutMs: 10_000 });
  t.pass("the thread that started it reaps it");
});

t.test("a Worker that is terminated while it starts processes leaves none that nobody knows of", async (t) => {
  const before = openFds();
  for (let round = 0; round < 20; round++) {
    const worker = new Worker(programFile("native/start-many-in-worker"));
    await once(worker, "message");
    await worker.terminate();
  }
  await until(() => children().length === 0, { what: "the processes to end", timeoutMs: 10_000 });
  t.pass("they were ended and reaped");
  await assertNoLeak(t, before);
});

t.test("its descriptors are borrowed until it has started", async (t) => {
  const [ours, theirs] = UnixSocket.pair();
  using _ours = ours;
  const started = await startProcess("/bin/sh", {
    argv: ["sh", "-c", "echo hello >&3"],
    descriptors: ["null", "null", "null", theirs.fd],
  });
  t.notOk(theirs.closed);
  theirs.close();
  t.equal((await ours.receive())?.data.toString(), "hello\n");
  t.equal(await ours.receive(), null, "nobody has a copy: not the thread either");
  t.equal(await started.exited, 0);
});
