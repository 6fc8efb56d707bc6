// tap's own runner, which measures coverage, and tap made ready for it and for the test files.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const tapDir = dirname(createRequire(import.meta.url).resolve("tap/package.json"));
const runner = join(tapDir, "dist/esm/run.mjs");

/**
 * tap's default plugins include a TypeScript loader that needs the compiler's JS API, which TypeScript 7 no longer has:
 * .taprc drops it, and tap is built without it once per install. Importing tap to ask which plugins it has would make
 * this process a test of its own, with a timeout.
 */
export function prepareTap(/** @type {string} */ root) {
  const testPackage = createRequire(join(tapDir, "package.json")).resolve("@tapjs/test/package.json");
  const built = join(dirname(testPackage), "test-built");
  if (!readFileSync(join(built, "dist/esm/index.js"), "utf8").includes("@tapjs/typescript")) return;
  // `tap build` writes these files in place; as pnpm's hard links they would change in the store too.
  cpSync(built, `${built}.own`, { recursive: true, verbatimSymlinks: true });
  rmSync(built, { recursive: true });
  renameSync(`${built}.own`, built);
  const { status } = spawnSync(process.execPath, [runner, "build"], { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

/**
 * Runs compiled files with coverage.
 * @param {string[]} files
 * @param {string[]} args tap's options
 * @param {{ root: string, env: NodeJS.ProcessEnv }} options
 */
export function runTap(files, args, { root, env }) {
  // Through the environment and not as --reporter=tap, which .taprc could contradict.
  const child = spawn(process.execPath, [runner, ...args, ...files], {
    cwd: root,
    env: { ...env, TAP: "1" },
    stdio: ["inherit", "pipe", "inherit"],
  });
  return {
    tap: child.stdout,
    kill: (/** @type {NodeJS.Signals} */ signal) => void child.kill(signal),
    /** How it ended, when it did not end well. */
    failure: new Promise((/** @type {(how: string | undefined) => void} */ done) =>
      child.once("close", (status, signal) => done(status === 0 ? undefined : (signal ?? `status ${status}`))),
    ),
  };
}
