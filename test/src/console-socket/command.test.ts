// The command line of console-socket: what it refuses, and what is made from its description.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { untilListening } from "../support/listening.js";
import { consoleSocketCommand, repository } from "../support/paths.js";
import { startPeer } from "../support/peer.js";
import { plainNode } from "../support/plain-node.js";
import { run, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";

const folder = join(repository, "packages/console-socket");
const [ENV, ...NODE] = plainNode;
const COMMAND = [...NODE, consoleSocketCommand];

t.test("usage errors are one line and status 125", async (t) => {
  const cases: { args: string[]; says: RegExp }[] = [
    { args: [], says: /socket to listen on is missing/ },
    { args: ["a", "b"], says: /also "b"/ },
    { args: ["--nonsense", "a"], says: /--nonsense/ },
    { args: ["--mode", "both", "a"], says: /--mode is single or null/ },
    { args: ["--mode", "null", "--log", "f", "a"], says: /--log is for one console/ },
    { args: ["--mode", "null", "--timeout", "1", "a"], says: /--timeout is for one console/ },
    { args: ["--detach-keys", "ctrl-p", "a"], says: /--detach-keys/ },
    { args: ["--size", "80", "a"], says: /--size is COLUMNSxROWS/ },
    { args: ["--size", "0x24", "a"], says: /--size is COLUMNSxROWS/ },
    { args: ["--size", "80x70000", "a"], says: /--size is COLUMNSxROWS, each from 1 to 65535/ },
    { args: ["--timeout", "soon", "a"], says: /--timeout is a number of seconds/ },
    { args: ["--timeout", "0", "a"], says: /--timeout is a number of seconds/ },
    { args: ["--log-format", "cri", "a"], says: /--log, which is missing/ },
    { args: ["--log", "f", "--log-format", "xml", "a"], says: /--log-format is raw or cri/ },
    { args: ["--log", "/no/such/directory/f", "a"], says: /ENOENT.*\/no\/such\/directory\/f/ },
    { args: ["run", "runc"], says: /-- is expected between the options and the runtime's command; there is "runc"/ },
    { args: ["run"], says: /the runtime's command is missing; it stands after --/ },
    { args: ["run", "--"], says: /command is missing; it stands after --/ },
    { args: ["run", "--mode", "null", "--", "a", "{}"], says: /--mode/ },
    { args: ["run", "--detach-keys", "ctrl-1", "--", "a", "{}"], says: /ctrl-1/ },
  ];
  await Promise.all(
    cases.map(async ({ args, says }) => {
      const { status, stdout, stderr } = await run(t, ENV, [...COMMAND, ...args], { cwd: tempDir(t) });
      t.match({ status, stdout }, { status: 125, stdout: "" }, args.join(" "));
      t.match(stderr, says);
      t.match(stderr, /^console-socket: [^\n]+\n$/);
    }),
  );
});

t.test("--help and --version answer on standard output, for both commands", async (t) => {
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  t.match(await run(t, ENV, [...COMMAND, "--version"]), {
    status: 0,
    stdout: `console-socket ${version}\n`,
    stderr: "",
  });
  const { stdout: help } = await run(t, ENV, [...COMMAND, "-h"]);
  t.match(help, /^Usage: console-socket \[receive\]/);
  t.ok(help.split("\n").every((line) => line.length <= 80));
  t.equal((await run(t, ENV, [...COMMAND, "run", "--help"])).stdout, help);
  t.notMatch(help, "\x1b", "no emphasis without a terminal");
});

t.test(
  "where there is no native part: help, version and usage errors are as ever, and the rest is one line",
  async (t) => {
    const dir = tempDir(t);
    const native = join(dir, "node_modules/cmsg-native");
    for (const path of [join(dir, "dist/bin"), native]) mkdirSync(path, { recursive: true });
    copyFileSync(join(folder, "package.json"), join(dir, "package.json"));
    copyFileSync(consoleSocketCommand, join(dir, "dist/bin/console-socket.cjs"));
    writeFileSync(join(native, "index.js"), "");
    const command = (...args: string[]) =>
      run(t, ENV, [...NODE, join(dir, "dist/bin/console-socket.cjs"), ...args], { cwd: dir });
    t.match(await command("--help"), { status: 0, stdout: /^Usage: console-socket/, stderr: "" });
    t.match(await command("--version"), { status: 0, stdout: /^console-socket \d/, stderr: "" });
    t.match(await command("--nonsense"), {
      status: 125,
      stdout: "",
      stderr: /^console-socket: [^\n]+--nonsense[^\n]+\n$/,
    });
    for (const args of [["s"], ["--mode", "null", "s"], ["run", "--", "true", "{}"], ["kata", "/s"]]) {
      const { status, stdout, stderr } = await command(...args);
      t.match({ status, stdout }, { status: 125, stdout: "" }, args.join(" "));
      t.match(stderr, /^console-socket: cmsg-native has no cmsg\.node[^\n]+\n$/);
    }
  },
);

t.test("the manual page is what the description makes: node scripts/manual.mjs writes it", async (t) => {
  const { manualPage } = await import(join(folder, "dist/cli/manual.js"));
  t.equal(readFileSync(join(folder, "man/console-socket.1"), "utf8"), manualPage());
});

t.test("receive", { skip: needs("python3") }, async (t) => {
  t.test("--timeout: 125 and one line when no console came", async (t) => {
    const socket = join(tempDir(t), "s");
    const { status, stderr } = await run(t, ENV, [...COMMAND, "--timeout", "0.05", socket]);
    t.equal(status, 125);
    t.equal(stderr, `console-socket: Expected a console on ${socket}; none came within 0.05 s.\n`);
  });

  t.test("--log [the disk is full] ends the log and says so, and the session goes on to its end", async (t) => {
    const socket = join(tempDir(t), "s");
    const command = start(t, ENV, [...COMMAND, "--log", "/dev/full", socket]);
    await untilListening(socket);
    const steps = ["first\n", "second\n"].flatMap((write) => [{ write }, { hold: true as const }]);
    const peer = startPeer(t, [
      { connect: socket },
      { send: { payload: "/dev/ptmx", fds: ["master"] } },
      ...steps,
      { hangup: true },
    ]);
    await command.output(/first/);
    peer.goOn();
    await command.output(/second/);
    peer.goOn();
    const { status, stdout, stderr } = await command.ended;
    t.match({ status, stdout }, { status: 125, stdout: /^first\r?\nsecond\r?\n$/ });
    t.match(stderr, /ENOSPC/);
  });

  for (const option of ["--log", "--record"]) {
    t.test(`${option} [the disk is full] more than any buffer holds is shown to its end`, async (t) => {
      const socket = join(tempDir(t), "s");
      const command = start(t, ENV, [...COMMAND, option, "/dev/full", socket]);
      await untilListening(socket);
      const times = 400_000;
      const peer = startPeer(t, [
        { connect: socket },
        { send: { payload: "/dev/ptmx", fds: ["master"] } },
        { write: { repeat: "x", times } },
        { write: "the end" },
        { hold: true },
        { hangup: true },
      ]);
      await command.output(/xthe end/);
      peer.goOn();
      const { status, stdout, stderr } = await command.ended;
      t.equal(status, 125);
      t.equal(stdout, `${"x".repeat(times)}the end`);
      t.match(stderr, /ENOSPC/);
    });
  }

  t.test("--log [the disk is full] --record: the recording is whole all the same", async (t) => {
    const dir = tempDir(t);
    const [socket, record] = [join(dir, "s"), join(dir, "record")];
    const command = start(t, ENV, [...COMMAND, "--log", "/dev/full", "--record", record, socket]);
    await untilListening(socket);
    const write = { repeat: "x", times: 400_000 };
    startPeer(t, [
      { connect: socket },
      { send: { payload: "/dev/ptmx", fds: ["master"] } },
      { write },
      { hangup: true },
    ]);
    t.match(await command.ended, { status: 125, stderr: /ENOSPC/ });
    const [, ...events] = readFileSync(record, "utf8").trimEnd().split("\n");
    t.equal(events.map((event) => JSON.parse(event)[2]).join(""), "x".repeat(write.times));
  });

  t.test("--json, --size, --log, --record: what happened and what was shown", async (t) => {
    const dir = tempDir(t);
    const socket = join(dir, "s");
    const log = join(dir, "log");
    const record = join(dir, "record");
    const options = ["--json", "--size", "101x33", "--log", log, "--log-format", "cri", "--record", record];
    const command = start(t, ENV, [...COMMAND, ...options, socket]);
    await untilListening(socket);
    startPeer(t, [{ connect: socket }, { close: true }]);
    await command.output(/refused/);
    const peer = startPeer(t, [
      { connect: socket },
      { send: { payload: "\x1b[31mname", fds: ["master"] } },
      { close: true },
      { hold: true },
      { write: "shown\n" },
      { hangup: true },
    ]);
    await command.output(/"console"/);
    peer.goOn();
    const { status, stdout, stderr } = await command.ended;
    t.match({ status, stdout }, { status: 0, stdout: "shown\n" });
    const events = stderr
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    t.match(events, [
      { event: "listening", path: socket },
      { event: "refused", code: "ERR_CONSOLE_NONE" },
      { event: "console", name: "\u{fffd}[31mname" },
      { event: "ended" },
    ]);
    t.match(readFileSync(log, "utf8"), /^\S+Z stdout F shown\n$/);
    t.match(readFileSync(record, "utf8"), /^\{.*"cols":101,"rows":33.*\}\n\[.*, "o", "shown\\n"\]\n$/);
  });
});
