// pnpm verify goes on where it was interrupted: its own program with steps of this test's, in a repository of this test's.
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { repository } from "./paths.js";
import { run } from "./processes.js";
import { needs } from "./requirements.js";
import { tempDir } from "./temp-dir.js";

// One step always passes; the other one does so while the file `allowed` is there.
const STEPS = `export const steps = [
  { name: "first", what: "", command: ["sh", "-c", "echo ran >> build/first; echo fine"] },
  { name: "second", what: "", command: ["test", "-e", "build/allowed"], short: { command: ["true"] } },
];
`;

async function git(t: Test, directory: string, ...args: string[]): Promise<void> {
  const identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"];
  const { status, stderr } = await run(t, "git", ["-C", directory, ...identity, ...args]);
  if (status !== 0) throw new Error(`git ${args[0]}: ${stderr}`);
}

async function createRepository(t: Test): Promise<string> {
  const root = tempDir(t);
  const verify = join(root, "scripts/verify");
  mkdirSync(verify, { recursive: true });
  mkdirSync(join(root, "build"));
  for (const name of ["main.mjs", "results.mjs"]) {
    copyFileSync(join(repository, "scripts/verify", name), join(verify, name));
  }
  writeFileSync(join(verify, "steps.mjs"), STEPS);
  writeFileSync(join(root, ".gitignore"), "build/\n");
  await git(t, root, "init", "--quiet");
  await git(t, root, "add", ".");
  await git(t, root, "commit", "--quiet", "-m", "first");
  return root;
}

t.test("verify --resume", { skip: needs("git") }, async (t) => {
  const root = await createRepository(t);
  const allowed = join(root, "build/allowed");
  const verify = (...args: string[]) => run(t, process.execPath, [join(root, "scripts/verify/main.mjs"), ...args]);

  await t.test("keeps what passed, and runs again what failed", async (t) => {
    t.match(await verify(), { status: 1, stdout: /ok {3}first .*FAIL second .*\n1 of 2 steps passed\n$/s });
    writeFileSync(allowed, "");
    const { status, stdout } = await verify("--resume");
    t.equal(status, 0);
    t.match(
      stdout,
      /^ok {3}first \(passed earlier\): fine\nok {3}second \(\d+ s\).*\n\n2 of 2 steps passed, 1 of them/,
    );
  });

  await t.test("without it every step runs", async (t) => {
    rmSync(allowed);
    t.match(await verify(), { status: 1, stdout: /ok {3}first \(\d+ s\)/ });
    t.match(
      await verify("--resume"),
      { status: 1, stdout: /first \(passed earlier\).*FAIL second/s },
      "that failed since",
    );
  });

  await t.test("a short form is another step", async (t) => {
    t.match(await verify("--resume", "--short"), { status: 0, stdout: /ok {3}second \(\d+ s\)/ });
    t.match(await verify("--resume", "--short"), { status: 0, stdout: /ok {3}second \(passed earlier\)/ });
    t.match(await verify("--resume"), { status: 1 });
  });

  await t.test("a tree that was changed has no results, which is said", async (t) => {
    writeFileSync(join(root, "new"), "");
    const { stdout } = await verify("--resume");
    t.match(stdout, /^verify: every step runs, and no result is kept: the tree differs from commit \w+ \(new\)\n/);
    t.match(stdout, /ok {3}first \(\d+ s\)/);
    rmSync(join(root, "new"));
    t.match(await verify("--resume"), { stdout: /first \(passed earlier\)/ }, "the commit's own are still there");
  });

  await t.test("another commit has none", async (t) => {
    writeFileSync(join(root, "new"), "");
    await git(t, root, "add", ".");
    await git(t, root, "commit", "--quiet", "-m", "second");
    t.match(await verify("--resume"), { stdout: /^ok {3}first \(\d+ s\)/ });
    t.ok(existsSync(join(root, "build/verify/passed.json")));
  });
});
