// Standard streams lent over a socket: the protocol, and what a process that takes them over has used before.
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { UnixSocket } from "cmsg";
import { borrow, lend } from "cmsg/stdio";
import t, { type Test } from "tap";
import { nodeProgram, programFile } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { type Program, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";
import { Tmux } from "../support/tmux.js";

t.test("lend waits until the borrower closes; borrow gives three descriptors", async (t) => {
  const before = openFds();
  const [lender, borrower] = UnixSocket.pair();
  const file = join(tempDir(t), "file");
  writeFileSync(file, "input");
  const numbers = [openSync(file, "r"), openSync(file, "a"), openSync("/dev/null", "w")] as const;
  let over = false;
  const loan = lend(lender, { fds: numbers }).then(() => {
    over = true;
  });
  for (const number of numbers) closeSync(number); // borrowed for the call
  const stdio = await borrow(borrower);
  t.equal(readFileSync(stdio.stdin.fd, "utf8"), "input");
  writeFileSync(stdio.stdout.fd, " and output");
  t.equal(readFileSync(file, "utf8"), "input and output");
  t.strictSame(stdio.stdio, [stdio.stdin.fd, stdio.stdout.fd, stdio.stderr.fd]);
  stdio.close();
  t.notOk(over, "not given back yet");
  borrower.close();
  await loan;
  lender.close();
  t.throws(() => stdio.stdio, { code: "ERR_CMSG_CLOSED" });
  await assertNoLeak(t, before);
});

t.test("lend [signal] ends the waiting", async (t) => {
  const before = openFds();
  const [lender, borrower] = UnixSocket.pair();
  const controller = new AbortController();
  const loan = lend(lender, { signal: controller.signal });
  (await borrow(borrower)).close();
  controller.abort();
  await t.rejects(loan, { name: "AbortError" });
  for (const end of [lender, borrower]) end.close();
  await assertNoLeak(t, before);
});

t.test("borrow [not what a lender sends] closes it", async (t) => {
  const before = openFds();
  const wrong: [string, string, number[]][] = [
    ["too few descriptors", "stdio 1", [0, 1]],
    ["too many", "stdio 1", [0, 1, 2, 0]],
    ["another greeting", "stdio 2", [0, 1, 2]],
    ["a longer one", "stdio 1 and more", [0, 1, 2]],
  ];
  for (const type of ["stream", "seqpacket"] as const) {
    for (const [what, data, fds] of wrong) {
      const [peer, borrower] = UnixSocket.pair(type);
      await peer.send(Buffer.from(data), fds);
      await t.rejects(borrow(borrower), { code: "ERR_CMSG_NOT_STDIO" }, `${type}: ${what}`);
      for (const end of [peer, borrower]) end.close();
    }
  }
  const [peer, borrower] = UnixSocket.pair();
  peer.close();
  await t.rejects(borrow(borrower), { code: "ERR_CMSG_EOF" });
  borrower.close();
  await assertNoLeak(t, before);
});

/** A process that does `before` and takes over what is lent to it on descriptor 3. */
function startTaker(t: Test, before: string): { program: Program; socket: UnixSocket } {
  const [socket, other] = UnixSocket.pair();
  t.teardown(() => socket.close());
  const program = start(t, ...nodeProgram("cmsg/take-over-stdio", [before]), { fds: [other.fd] });
  other.close();
  return { program, socket };
}

for (const before of ["nothing", "console", "stdout"]) {
  t.test(`takeOver [used before: ${before}, on a pipe] goes on with files`, async (t) => {
    const open = openFds();
    await t.test("lent", async (t) => {
      const dir = tempDir(t);
      const input = join(dir, "in");
      writeFileSync(input, "one\ntwo\n");
      const numbers = [openSync(input, "r"), openSync(join(dir, "out"), "w"), openSync(join(dir, "err"), "w")] as const;
      const { program, socket } = startTaker(t, before);
      await lend(socket, { fds: numbers });
      t.match(await program.ended, { status: 0, stdout: before === "nothing" ? "" : "before\n", stderr: "" });
      t.equal(readFileSync(join(dir, "out"), "utf8"), "console\nstdout: one two\nchild\n");
      t.equal(readFileSync(join(dir, "err"), "utf8"), "stderr\n");
      for (const number of numbers) closeSync(number);
    });
    await assertNoLeak(t, open);
  });
}

for (const [before, reason] of [
  ["read", /event loop/],
  ["stdin", /non-blocking/],
] as const) {
  t.test(`takeOver [used before: ${before}] is refused, and nothing is received`, async (t) => {
    const { program, socket } = startTaker(t, before);
    if (before === "read") program.write("some input");
    const refused = t.rejects(lend(socket), { code: "ECONNRESET" });
    t.match(await program.ended, { status: 1, stderr: /ERR_CMSG_STDIO_IN_USE/ });
    t.match(program.stderr, reason);
    await refused;
  });
}

t.test("takeOver [a terminal that Node has opened again] is refused", { skip: needs("tmux") }, async (t) => {
  const window = await Tmux.start(t, nodeProgram("cmsg/take-over-in-vain").flat(), { columns: 200 });
  await window.waitFor(/ERR_CMSG_STDIO_IN_USE/);
  t.match(await window.screen(), /is the terminal of 0, opened again/);
});

t.test("takeOver [in a Worker] is refused", async (t) => {
  const worker = new Worker(programFile("cmsg/take-over-in-vain"));
  t.strictSame(await once(worker, "message"), ["ERR_CMSG_STDIO_IN_USE"]);
});
