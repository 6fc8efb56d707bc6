// A sender that keeps a duplicate of the master shares its open file description, O_NONBLOCK included. Whatever it does
// with that, the event loop goes on, other consoles are unharmed, and the attacked one ends with ERR_CONSOLE_TAMPERED.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { launch, listen, type PtyConsole } from "console-socket";
import t, { type Test } from "tap";
import { consoleOf } from "../support/consoles.js";
import { nodeProgram } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { fixture } from "../support/paths.js";
import { type Program, run, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";
import { Transcript } from "../support/transcript.js";

async function attacked(t: Test, kind: string): Promise<{ console: PtyConsole; attacker: Program }> {
  const listener = await listen();
  const attacker = start(t, "python3", [fixture("tamper.py"), listener.path, kind]);
  const console = await listener.accept();
  listener.close();
  return { console, attacker };
}

/** An honest console that echoes, used until `over`. */
async function goesOn(t: Test, over: Promise<unknown>): Promise<void> {
  const { console } = await consoleOf(t, ["sh", "-c", "stty -echo; echo ready; while read x; do echo got $x; done"]);
  const screen = new Transcript(console);
  await screen.shows(/ready/);
  let ended = false;
  over.then(() => {
    ended = true;
  });
  for (let n = 0; n < 20 || !ended; n++) {
    console.write(`${n}\n`);
    await screen.shows(new RegExp(`got ${n}\r`));
  }
  t.pass("the honest console was served throughout");
  console.destroy();
}

for (const kind of ["clear", "toggle"]) {
  t.test(
    `O_NONBLOCK ${kind === "clear" ? "cleared" : "cleared and set again"}, and the bytes stolen`,
    {
      skip: needs("python3"),
    },
    async (t) => {
      const before = openFds();
      const { console, attacker } = await attacked(t, kind);
      const failed = once(console.resume(), "error");
      await goesOn(t, failed);
      t.match((await failed)[0], { code: "ERR_CONSOLE_TAMPERED", message: /O_NONBLOCK/ });
      attacker.endInput();
      await attacker.ended;
      await assertNoLeak(t, before);
    },
  );
}

t.test("O_NONBLOCK cleared while nobody reads what is typed", { skip: needs("python3") }, async (t) => {
  const before = openFds();
  const { console, attacker } = await attacked(t, "told");
  attacker.write("clear\n");
  await attacker.output(/cleared/);
  const failed = once(console, "error");
  // More than a terminal takes: a write that sleeps would sleep for ever.
  console.write(Buffer.alloc(1_000_000, "x"));
  await goesOn(t, failed);
  t.match((await failed)[0], { code: "ERR_CONSOLE_TAMPERED", message: /O_NONBLOCK/ });
  attacker.endInput();
  await attacker.ended;
  await assertNoLeak(t, before);
});

// One write may find the flag set, and meet it set: it is as good as any other then. Of many, one does not.
t.test("O_NONBLOCK cleared and set again while much is typed", { skip: needs("python3") }, async (t) => {
  const before = openFds();
  const { console, attacker } = await attacked(t, "sip");
  await attacker.output(/ready/);
  const failed = once(console, "error");
  const type = (): void => {
    while (console.write(Buffer.alloc(65_536, "x")));
  };
  console.on("drain", type);
  type();
  await goesOn(t, failed);
  t.match((await failed)[0], { code: "ERR_CONSOLE_TAMPERED", message: /O_NONBLOCK/ });
  attacker.endInput();
  await attacker.ended;
  await assertNoLeak(t, before);
});

/** The next event on a diagnostics channel. */
const happened = (event: string) =>
  new Promise<object>((resolve) => {
    const heard = (message: unknown): void => {
      unsubscribe(`console-socket:${event}`, heard);
      resolve(message as object);
    };
    subscribe(`console-socket:${event}`, heard);
  });

t.test("tampered with before anybody accepted it: the process goes on", { skip: needs("python3") }, async (t) => {
  const before = openFds();
  const [received, tampered] = [happened("receive"), happened("tamper")];
  const listener = await listen();
  const attacker = start(t, "python3", [fixture("tamper.py"), listener.path, "told"]);
  const { fd, ino } = (await received) as { fd: number; ino: bigint };
  attacker.write("clear\n");
  await attacker.output(/cleared/);
  attacker.write("close\n");
  // Its hangup makes it read, although nobody asked for what it shows.
  t.match(await tampered, { fd, ino }, "it is told which");
  await turn();
  const console = await listener.accept();
  t.ok(console.destroyed);
  t.match(console.errored, { code: "ERR_CONSOLE_TAMPERED" });
  listener.close();
  attacker.endInput();
  await attacker.ended;
  await assertNoLeak(t, before);
});

t.test(
  "tampered with before launch() has returned: it is told, and the console goes on",
  { skip: needs("python3") },
  async (t) => {
    const before = openFds();
    const orders = join(tempDir(t), "orders");
    await run(t, "mkfifo", [orders]);
    const [received, tampered] = [happened("receive"), happened("tamper")];
    const runtime = ["sh", "-c", 'exec python3 "$0" "$1" told <"$2"', fixture("tamper.py"), "{}", orders];
    const launching = launch(runtime);
    // For reading too: opening it waits for nobody then.
    const fifo = openSync(orders, "r+");
    await received;
    writeSync(fifo, "clear\nclose\n");
    // The runtime's command still runs, and no caller has the console.
    t.match(await tampered, { name: String });
    closeSync(fifo);
    const { terminal, exited } = await launching;
    // It can close before the status is known here.
    const closed = once(terminal.resume(), "close");
    t.strictSame(await exited, { code: 0, signal: null });
    await closed;
    await assertNoLeak(t, before);
  },
);

for (const [kind, says] of [
  ["packet", /packet mode/],
  ["discipline", /line discipline/],
] as const) {
  t.test(
    `a master with ${kind === "packet" ? "packet mode on" : "another line discipline"} is refused`,
    {
      skip: needs("root", "python3"),
    },
    async (t) => {
      const before = openFds();
      const listener = await listen();
      const refused = once(listener, "refused");
      const attacker = start(t, "python3", [fixture("tamper.py"), listener.path, kind]);
      t.match((await refused)[0], { error: { code: "ERR_CONSOLE_TAMPERED", message: says } });
      listener.close();
      attacker.endInput();
      await attacker.ended;
      await assertNoLeak(t, before);
    },
  );
}

// The look at the flag always comes a moment before the call. Here it is blind altogether: fcntl answers that O_NONBLOCK is
// set and never sets it, so every call that has nothing to do sleeps, and only the watchdog ends it.
const BLIND = ["strace", "-o", "/dev/null", "-e", "trace=fcntl", "-e", "inject=fcntl:retval=0x802"];

for (const use of ["read", "write"]) {
  t.test(`a ${use} that sleeps all the same is ended`, { skip: needs("strace", "python3") }, async (t) => {
    const [command, ...args] = [...BLIND, ...nodeProgram("hostile/use-a-slow-terminal", [use]).flat()];
    t.match(await run(t, command as string, args), { status: 3, stdout: "ERR_CONSOLE_TAMPERED" });
  });
}

t.test(
  "… also when another process of the user has filled the signal queue",
  {
    skip: needs("root", "strace", "python3"),
  },
  async (t) => {
    // A user that nothing else here runs as: the queue is the user's.
    const full = [fixture("full-signal-queue.py"), "61739"];
    const program = nodeProgram("hostile/use-a-slow-terminal", ["read"]).flat();
    const result = await run(t, "python3", [...full, ...BLIND, ...program]);
    t.match(result, { status: 3, stdout: "ERR_CONSOLE_TAMPERED" });
  },
);

t.test(
  "… also when other code uses the watchdog's signals, and that code gets none of them",
  {
    skip: needs("strace", "python3"),
  },
  async (t) => {
    const signals = ["SIGURG", "SIGSTKFLT", "SIGIO", "SIGPWR"];
    const [command, ...args] = [...BLIND, ...nodeProgram("hostile/use-a-slow-terminal", ["read", ...signals]).flat()];
    const { status, stdout } = await run(t, command as string, args);
    t.equal(stdout, "ERR_CONSOLE_TAMPERED");
    t.equal(status, 3);
  },
);

t.test("… also in a Worker", { skip: needs("strace", "python3") }, async (t) => {
  const program = nodeProgram("hostile/in-a-worker", ["hostile/use-a-slow-terminal", "read"]).flat();
  const [command, ...args] = [...BLIND, "-f", ...program];
  t.match(await run(t, command as string, args), { status: 3, stdout: "ERR_CONSOLE_TAMPERED" });
});
