// What a service tells its manager, read by a manager's socket: each datagram byte for byte.
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { UnixSocket } from "cmsg";
import { barrier, notify, removeStoredFds, storeFds, watchdogTimeoutMs } from "cmsg/systemd";
import t, { type Test } from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { fixture } from "../support/paths.js";
import { start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";

function setVariables(t: Test, variables: Record<string, string>) {
  Object.assign(process.env, variables);
  t.teardown(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
  });
}

/** A manager at `address`; what it received so far is in its `datagrams`. */
async function startManager(t: Test, address: string) {
  setVariables(t, { NOTIFY_SOCKET: address });
  const program = start(t, "python3", [fixture("notify-receiver.py"), address]);
  await program.output(/^receiving$/m);
  const lines = () => program.stdout.split("\n").slice(1, -1);
  return {
    program,
    /** The next datagrams, after a barrier that is one of them. */
    async took(): Promise<unknown[]> {
      program.write("\n");
      await barrier();
      await program.output(/BARRIER=1.*\n/);
      return lines()
        .map((line) => JSON.parse(line))
        .filter(({ lines }) => lines[0] !== "BARRIER=1");
    },
  };
}

for (const kind of ["a path", "an abstract name"]) {
  t.test(`notify [${kind}] sends what sd_notify(3) says`, { skip: needs("python3") }, async (t) => {
    const before = openFds();
    const address = kind === "a path" ? join(tempDir(t), "notify") : `@notify-${process.pid}`;
    await t.test("told", async (t) => {
      const manager = await startManager(t, address);
      await notify({ ready: true, status: "2 connections, été" });
      await notify({ watchdog: true });
      await notify({ watchdog: "trigger" });
      await notify({ stopping: true, extendTimeoutMs: 1500, mainPid: 1 });
      const file = openSync("/proc/sys/kernel/ostype", "r");
      const stored = storeFds("state", [file, 0]);
      closeSync(file); // borrowed for the call only
      await stored;
      await storeFds("kept on hangup", [0], { poll: false });
      await removeStoredFds("state");
      const own = { pid: process.pid, files: [] as unknown };
      t.match(await manager.took(), [
        { ...own, lines: ["READY=1", "STATUS=2 connections, été"] },
        { ...own, lines: ["WATCHDOG=1"] },
        { ...own, lines: ["WATCHDOG=trigger"] },
        { ...own, lines: ["STOPPING=1", "MAINPID=1", "EXTEND_TIMEOUT_USEC=1500000"] },
        { pid: process.pid, lines: ["FDSTORE=1", "FDNAME=state"], files: ["/proc/sys/kernel/ostype", String] },
        { pid: process.pid, lines: ["FDSTORE=1", "FDNAME=kept on hangup", "FDPOLL=0"], files: [String] },
        { ...own, lines: ["FDSTOREREMOVE=1", "FDNAME=state"] },
      ]);
    });
    await assertNoLeak(t, before);
  });
}

t.test("notify [reloading] says when, on the monotonic clock", { skip: needs("python3") }, async (t) => {
  const manager = await startManager(t, `@notify-reload-${process.pid}`);
  const since = process.hrtime.bigint() / 1000n;
  await notify({ reloading: true });
  const [datagram] = (await manager.took()) as { lines: string[] }[];
  t.match(datagram?.lines, ["RELOADING=1", /^MONOTONIC_USEC=\d+$/]);
  const told = BigInt(datagram?.lines[1]?.split("=")[1] ?? 0);
  t.ok(told >= since && told <= process.hrtime.bigint() / 1000n);
});

t.test("barrier waits until the manager closes its descriptor", { skip: needs("python3") }, async (t) => {
  const before = openFds();
  await t.test("a slow manager", async (t) => {
    const { program } = await startManager(t, `@notify-barrier-${process.pid}`);
    await notify({ ready: true });
    let over = false;
    const waiting = barrier().then(() => {
      over = true;
    });
    await program.output(/READY=1[\s\S]*BARRIER=1/);
    t.notOk(over, "it has received it, and is not done yet");
    program.write("\n");
    await waiting;
    const controller = new AbortController();
    const never = barrier({ signal: controller.signal });
    await program.output(/BARRIER=1[\s\S]*BARRIER=1/);
    controller.abort();
    await t.rejects(never, { name: "AbortError" });
  });
  await assertNoLeak(t, before);
});

t.test("notify waits for a manager whose queue is full", async (t) => {
  const before = openFds();
  const path = join(tempDir(t), "notify");
  const manager = await UnixSocket.bind(path);
  setVariables(t, { NOTIFY_SOCKET: path });
  // More than the queue holds (net.unix.max_dgram_qlen).
  const told = Promise.all(Array.from({ length: 1000 }, (_, index) => notify({ status: `${index}` })));
  const seen: string[] = [];
  while (seen.length < 1000) seen.push(String((await manager.receive())?.data));
  await told;
  t.equal(new Set(seen).size, 1000);
  manager.close();
  await assertNoLeak(t, before);
});

t.test("notify [NOTIFY_SOCKET is missing, malformed or dead] rejects ERR_CMSG_NOTIFY", async (t) => {
  const before = openFds();
  await t.rejects(notify({ ready: true }), { code: "ERR_CMSG_NOTIFY", message: /not set.*Type=notify/ });
  const dead = join(tempDir(t), "dead");
  const bound = await UnixSocket.bind(dead);
  closeSync(bound.release()); // its file stays
  for (const [address, message] of [
    ["vsock:2:1234", /absolute path or @name.*vsock/],
    ["relative", /absolute path or @name.*relative/],
    ["@", /absolute path or @name/],
    [join(dead, "none"), /Nobody receives.*ENOTDIR/],
    [`${dead}-none`, /Nobody receives.*ENOENT/],
    [dead, /Nobody receives.*ECONNREFUSED/],
    [`@nobody-${process.pid}`, /Nobody receives.*ECONNREFUSED/],
  ] as const) {
    process.env["NOTIFY_SOCKET"] = address;
    await t.rejects(notify({ ready: true }), { code: "ERR_CMSG_NOTIFY", message }, address);
    await t.rejects(barrier(), { code: "ERR_CMSG_NOTIFY" }, address);
  }
  delete process.env["NOTIFY_SOCKET"];
  await assertNoLeak(t, before);
});

t.test("notify [arguments that no manager would understand] rejects ERR_CMSG_INVALID_ARG", async (t) => {
  setVariables(t, { NOTIFY_SOCKET: `@nobody-${process.pid}` });
  const wrong = { code: "ERR_CMSG_INVALID_ARG" };
  await t.rejects(notify({}), wrong);
  await t.rejects(notify({ status: "two\nlines" }), wrong);
  await t.rejects(notify({ mainPid: 0 }), wrong);
  await t.rejects(notify({ extendTimeoutMs: 0.5 }), wrong);
  await t.rejects(storeFds("state", []), wrong);
  for (const name of ["", "a:b", "é", "x".repeat(256)]) await t.rejects(storeFds(name, [0]), wrong, name);
  await t.rejects(removeStoredFds("a\nREADY=1"), wrong);
});

t.test("watchdogTimeoutMs is the manager's, for this process", async (t) => {
  t.equal(watchdogTimeoutMs(), undefined);
  setVariables(t, { WATCHDOG_USEC: "2500000" });
  t.equal(watchdogTimeoutMs(), 2500);
  setVariables(t, { WATCHDOG_PID: String(process.pid) });
  t.equal(watchdogTimeoutMs(), 2500);
  setVariables(t, { WATCHDOG_PID: "1" });
  t.equal(watchdogTimeoutMs(), undefined);
  setVariables(t, { WATCHDOG_PID: "one" });
  t.throws(() => watchdogTimeoutMs(), { code: "ERR_CMSG_NOTIFY", message: /WATCHDOG_PID.*"one"/ });
});
