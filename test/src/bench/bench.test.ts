// The harness of bench/ in its smallest form: what it prints, and that a peer which fails or is missing is named. No
// figure is asserted: those are bench's own business.
import { chmodSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { repository } from "../support/paths.js";
import { plainNode } from "../support/plain-node.js";
import { childrenOf, run, start, waitGone } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";

const [command, ...options] = plainNode;
const program = [...options, join(repository, "bench/main.mjs")];

function bench(t: Test, args: string[], path = process.env["PATH"]) {
  return run(t, command, [...program, ...args], { env: { ...process.env, PATH: path } });
}

const measured = ["--quick", "--json", "--no-build", "--only", "fds-253"];

t.test("--json prints a row for each peer, and names the one that fails", { skip: needs("gcc") }, async (t) => {
  const directory = tempDir(t);
  writeFileSync(join(directory, "python3"), "#!/bin/sh\necho broken >&2\nexit 3\n");
  chmodSync(join(directory, "python3"), 0o755);
  const { status, stdout } = await bench(t, measured, `${directory}:${process.env["PATH"]}`);
  t.equal(status, 1);
  const { cases } = JSON.parse(stdout);
  t.match(cases, [
    { name: "fds-253/rate", peer: "C", ratio: Number, target: 0.9, reached: Boolean, pairs: 3 },
    { name: "fds-253/rate", peer: "C that asks", ratio: Number, pairs: 3 },
    { name: "fds-253/rate", peer: "Python", ratio: null, reached: false, error: /python3 .*ended with 3: broken/ },
  ]);
  t.equal(cases.length, 3);
  t.ok(cases[0].ours > 0 && cases[0].theirs > 0 && cases[0].spread.length === 2);
});

t.test("a peer that the machine lacks is a row that says so", async (t) => {
  const directory = tempDir(t);
  for (const name of ["env", "mkfifo"]) symlinkSync(`/usr/bin/${name}`, join(directory, name));
  const { status, stdout } = await bench(t, measured, directory);
  t.equal(status, 0);
  t.match(JSON.parse(stdout).cases, [
    { peer: "C", ratio: null, reached: false, missing: "gcc is not installed" },
    { peer: "C that asks", ratio: null, missing: "gcc is not installed" },
    { peer: "Python", ratio: null, reached: false, missing: "python3 is not installed" },
  ]);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  t.test(`ended by ${signal}, it leaves no file and no program`, { skip: needs("gcc") }, async (t) => {
    const TMPDIR = tempDir(t);
    const running = start(t, command, [...program, ...measured], { env: { ...process.env, TMPDIR } });
    await running.output(/fds-253 beside C/);
    const measuring = await until(() => childrenOf(running.pid)[0], { what: "a program that is measured" });
    t.not(readdirSync(TMPDIR).length, 0);
    running.kill(signal);
    t.match(await running.ended, { status: null, signal });
    t.same(readdirSync(TMPDIR), []);
    await waitGone(measuring);
  });
}

t.test("what the command line cannot mean is refused with the usage", async (t) => {
  for (const [args, reason] of [
    [["--fast"], /--fast/],
    [["--only", "nothing"], /no case nothing/],
  ] as const) {
    const { status, stdout, stderr } = await bench(t, [...args]);
    t.match({ status, stdout }, { status: 2, stdout: "" });
    t.match(stderr, reason);
    t.match(stderr, /^usage: pnpm bench/m);
  }
});
