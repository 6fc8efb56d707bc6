// What a run of the tests prints, and how it finds the tests that are meant: scripts/test.mjs and scripts/test/.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable, type Transform } from "node:stream";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import t, { type Test } from "tap";
import { fixture, repository } from "./paths.js";
import { run } from "./processes.js";
import { needs } from "./requirements.js";
import { tempDir } from "./temp-dir.js";

interface Reporter extends Transform {
  summary(): string;
}

const script = (name: string) => import(pathToFileURL(join(repository, "scripts/test", name)).href);
const { PlainReporter } = (await script("reporter.mjs")) as {
  PlainReporter: new (options?: { strict?: boolean; filtered?: boolean }) => Reporter;
};
interface RunOptions {
  root: string;
  env: NodeJS.ProcessEnv;
  jobs: number;
  timeoutS: number;
  graceMs?: number;
}

const { runFiles } = (await script("run-files.mjs")) as {
  runFiles(names: string[], options: RunOptions): { tap: Readable };
};
const { chooseTests } = (await script("files.mjs")) as {
  chooseTests(names: string[], patterns: string[], root: string): { chosen: string[]; problems: string[] };
};

/** The lines that are printed for a stream of TAP. */
async function report(tap: string, options = {}): Promise<string[]> {
  const reporter = Readable.from([tap]).pipe(new PlainReporter(options));
  let printed = "";
  for await (const chunk of reporter) printed += chunk;
  return (printed + reporter.summary()).trimEnd().split("\n");
}

/** A stream of one file that has these points, indented as its subtest. */
function file(name: string, points: string[]): string {
  const failed = points.some((point) => point.startsWith("not ok"));
  const inner = points.map((point) => `    ${point}\n`).join("");
  return `# Subtest: ${name}\n${inner}    1..${points.length}\n${failed ? "not ok" : "ok"} 1 - ${name}\n`;
}

/** What the reporter makes of a fixture's tests. */
async function reportOf(t: Test, ...args: string[]): Promise<string[]> {
  const env = { ...process.env, TAP: "1" };
  const { stdout } = await run(t, process.execPath, [fixture("failing-terminals.mjs"), ...args], { env });
  return report(stdout);
}

const NAME = "test/src/some/thing.test.ts";

t.test("skips are grouped by what is missing, with one line that installs all of it", async (t) => {
  const runc = "runc is not installed (Debian: runc)";
  const lines = await report(
    file(NAME, [
      `ok 1 - one # SKIP not running as root; ${runc}`,
      `ok 2 - other # SKIP ${runc}; no static busybox (Debian: busybox-static)`,
      "ok 3 - third",
    ]),
  );
  t.strictSame(lines.slice(2), [
    "skipped: runc is not installed: 2 in some/thing",
    "skipped: not running as root: 1 in some/thing",
    "skipped: no static busybox: 1 in some/thing",
    "To run them on Debian: apt-get install busybox-static runc",
    "",
    "1 passed, 0 failed, 2 skipped",
  ]);
});

t.test("failures come last, after the skips", async (t) => {
  const lines = await report(file(NAME, ["not ok 1 - wrong", "ok 2 - other # SKIP not running as root"]));
  t.strictSame(lines, [
    `FAIL ${NAME} (0 ms)`,
    "",
    "skipped: not running as root: 1 in some/thing",
    "",
    `not ok: ${NAME} > wrong`,
    "",
    "0 passed, 1 failed, 1 skipped",
  ]);
});

t.test("strict: a skip is a failure, and what to install is said all the same", async (t) => {
  const lines = await report(file(NAME, ["ok 1 - other # SKIP strace is not installed (Debian: strace)"]), {
    strict: true,
  });
  t.match(lines.join("\n"), /apt-get install strace\n\nnot ok: .* > other\n/);
  t.equal(lines.at(-1), "0 passed, 1 failed");
});

t.test("what --grep leaves out is no skip, and a file without a chosen test is not listed", async (t) => {
  const tap = `${file("a", ["ok 1 - one # SKIP filter: /x/"])}${file("b", ["ok 1 - two", "ok 2 - three # SKIP filter: /x/"]).replace("ok 1 - b", "ok 2 - b")}1..2\n`;
  t.strictSame(await report(tap, { filtered: true }), ["ok   b (0 ms)", "", "1 passed, 0 failed"]);
  const none = await report(file("a", ["ok 1 - one # SKIP filter: /x/"]), { filtered: true });
  t.match(none.join("\n"), /no test ran\n {2}reason: no test's name matches --grep/);
});

t.test("a file that has no test, or ends otherwise, is a failure", async (t) => {
  const root = tempDir(t);
  mkdirSync(join(root, "test/dist"), { recursive: true });
  const files = {
    empty: "",
    crashes: "console.log('ok 1 - passed'); process.exit(3);",
    killed: "process.kill(process.pid, 'SIGKILL');",
    hangs: "setInterval(() => {}, 1000);",
  };
  for (const [name, source] of Object.entries(files)) writeFileSync(join(root, `test/dist/${name}.test.js`), source);
  const reportOn = async (names: string[], timeoutS: number) => {
    const options = { root, env: process.env, jobs: 2, timeoutS, graceMs: 100 };
    return (await report(await text(runFiles(names, options).tap))).join("\n");
  };
  const ended = await reportOn(["empty", "crashes", "killed"], 60);
  t.match(ended, /not ok: \S+empty.test.ts\n {2}reason: not a single test in it\n/);
  t.match(ended, /not ok: \S+crashes.test.ts\n {2}ended: status 3\n/);
  t.match(ended, /not ok: \S+killed.test.ts\n {2}ended: SIGKILL\n/);
  t.match(ended, /\n1 passed, 3 failed$/);
  t.match(await reportOn(["hangs"], 1), /not ok: \S+hangs.test.ts\n {2}ended: killed: it did not end in time\n/);
});

t.test("a file that tap says has no test is a failure", async (t) => {
  t.match(await report(`    1..0\nok 1 - ${NAME} # SKIP no tests found\n`), [/./, "", `not ok: ${NAME}`]);
});

t.test("a failed test shows what was on its consoles, and on no other's", async (t) => {
  const printed = (await reportOf(t)).join("\n");
  t.match(
    printed,
    /not ok: waits in vain > 10 ms passed.*\| a console showed:\n {2}\| \$ make\n {2}\| \\u001b\[31mred/s,
  );
  t.match(printed, /not ok: asserts > within > should be equal.*\| the outer console.*\| the inner console/s);
  t.equal(printed.match(/\| the outer console/g)?.length, 1, "once");
  t.notMatch(printed, "of no interest");
});

t.test("a failed test shows the screen of its window", { skip: needs("tmux") }, async (t) => {
  const printed = (await reportOf(t, "tmux")).join("\n");
  t.match(printed, /not ok: has a window > after it.*\| the screen of sh -c .* showed:\n {2}\| in the window/s);
});

t.test("tests are found by their sources' names", async (t) => {
  const names = ["cmsg/file", "cmsg/listen-fds", "console-socket/listener", "hostile/listener", "hostile/random-peers"];
  const chosen = (...patterns: string[]) => chooseTests(names, patterns, repository).chosen;
  t.strictSame(chosen(), names);
  t.strictSame(chosen("listener"), ["console-socket/listener", "hostile/listener"]);
  t.strictSame(chosen("hostile/"), ["hostile/listener", "hostile/random-peers"]);
  t.strictSame(chosen("test/src/hostile/"), ["hostile/listener", "hostile/random-peers"]);
  for (const one of [
    "cmsg/file",
    "test/src/cmsg/file.test.ts",
    "test/dist/cmsg/file.test.js",
    "./test/src/cmsg/file",
  ]) {
    t.strictSame(chosen(one), ["cmsg/file"], one);
  }
  t.strictSame(chosen("random", "file"), ["cmsg/file", "hostile/random-peers"]);
});

t.test("a pattern that matches no test ends the run, and says what is close", async (t) => {
  const { status, stdout, stderr } = await run(t, process.execPath, [join(repository, "scripts/test.mjs"), "lissener"]);
  t.match({ status, stdout }, { status: 2, stdout: "" });
  t.match(stderr, /^test: no test in test\/src has "lissener" in its name; the closest are .*hostile\/listener/);
});
