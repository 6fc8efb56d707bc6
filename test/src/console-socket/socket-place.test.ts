// Where listen() and launch() make their own socket: any TMPDIR and any umask work, or fail with a code and leave nothing.
import { chmodSync, mkdirSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import t, { type Test } from "tap";
import { nodeProgram } from "../support/node-program.js";
import { run } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";

/** A directory in which user 65534 may make files. */
function openDirectory(t: Test, ...names: string[]): string {
  const root = tempDir(t);
  const directory = [root, ...names].join("/");
  mkdirSync(directory, { recursive: true });
  for (let path = directory; path !== dirname(root); path = dirname(path)) chmodSync(path, 0o777);
  return directory;
}

/** What fixtures/console-socket/listen-without-path.ts prints. */
async function listening(t: Test, { TMPDIR, cwd = "/", umask = "022" }: Record<string, string>): Promise<string[]> {
  const program = nodeProgram("console-socket/listen-without-path", [umask]);
  const { stdout } = await run(t, ...program, { cwd, env: { ...process.env, TMPDIR } });
  return JSON.parse(stdout || "[]") as string[];
}

t.test("a umask that takes permissions from the owner", { skip: needs("root") }, async (t) => {
  const TMPDIR = openDirectory(t);
  for (const umask of ["0077", "0177"]) {
    const [path, outcome] = await listening(t, { TMPDIR, umask });
    t.equal(outcome, "connected", `${umask}: ${path}`);
    t.strictSame(readdirSync(TMPDIR), [], `${umask}: nothing is left`);
  }
});

t.test(
  "a relative TMPDIR: an absolute path, which close() removes after chdir(2)",
  { skip: needs("root") },
  async (t) => {
    const directory = openDirectory(t, "t");
    const [path, outcome] = await listening(t, { TMPDIR: "t", cwd: dirname(directory) });
    t.match(path, new RegExp(`^${directory}/console-`));
    t.equal(outcome, "connected");
    t.strictSame(readdirSync(directory), [], "nothing is left");
  },
);

t.test("a TMPDIR that is too long for runtimes", { skip: needs("root") }, async (t) => {
  const TMPDIR = openDirectory(t, "d".repeat(60), "e".repeat(50));
  t.strictSame(await listening(t, { TMPDIR }), ["ERR_CONSOLE_INVALID_ARG", "ERR_CONSOLE_INVALID_ARG"]);
  t.strictSame(readdirSync(TMPDIR), [], "nothing is left");
});

t.test("a TMPDIR that is not there, or whose name is not UTF-8", { skip: needs("root") }, async (t) => {
  const directory = openDirectory(t);
  t.strictSame(await listening(t, { TMPDIR: `${directory}/nowhere` }), ["ENOENT", "ENOENT"]);
  const [command, args] = nodeProgram("console-socket/listen-without-path");
  const script = `export TMPDIR="$(printf '%s/\\377' "$1")"; mkdir -m 777 "$TMPDIR"; shift; exec "$@"`;
  const { stdout } = await run(t, "sh", ["-c", script, "sh", directory, command, ...args]);
  t.strictSame(JSON.parse(stdout || "[]"), ["ENOENT", "ENOENT"]);
});

t.test("a relative path in a directory whose name is not UTF-8", async (t) => {
  const root = tempDir(t);
  const directory = Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0xff)]);
  mkdirSync(directory);
  const [command, args] = nodeProgram("console-socket/listen-at", ["s"]);
  const script = `cd "$(printf '%s/\\377' "$1")"; shift; exec "$@"`;
  const { stdout } = await run(t, "sh", ["-c", script, "sh", root, command, ...args]);
  t.equal(stdout.trim(), "ENOENT");
  t.strictSame(readdirSync(directory), [], "nothing is left");
});
