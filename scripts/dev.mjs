// pnpm dev [PATTERN…] [OPTION]…: runs `pnpm t` with these arguments, and again after each change of a source. A run that is
// overtaken by a change is ended first. Ctrl-C ends it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, statSync, watch } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const PLACES = ["native", "packages", "test", "scripts", "examples", "docs"];
// What is built or installed there; a change of it is the result of a run, not a reason for one.
const NOT_SOURCES = new Set(["node_modules", "dist", "build", "prebuilds", "source"]);
const SOURCE = /\.(ts|mjs|cjs|cc|h|gypi?|json|py|c|go|md|1)$/;
// An editor writes a file in several steps, and git several files.
const QUIET_MS = 150;

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const args = process.argv.slice(2);

/** Each folder by itself: watching recursively would watch what is built, too. */
function watchFolder(/** @type {string} */ folder, /** @type {() => void} */ changed) {
  const watcher = watch(folder, (_event, name) => {
    if (name === null || NOT_SOURCES.has(name)) return;
    const path = join(folder, name);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) watchFolder(path, changed);
    else if (!SOURCE.test(name)) return;
    changed();
  });
  watcher.on("error", () => watcher.close()); // the folder was removed
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && !NOT_SOURCES.has(entry.name)) watchFolder(join(folder, entry.name), changed);
  }
}

/** @type {import("node:child_process").ChildProcess | undefined} */
let running;
/** @type {NodeJS.Timeout | undefined} */
let timer;
let pending = false;

async function runTests() {
  running = spawn(process.execPath, ["scripts/test.mjs", ...args], { cwd: root, stdio: "inherit" });
  await once(running, "exit");
  running = undefined;
}

async function runUntilQuiet() {
  do {
    pending = false;
    await runTests();
  } while (pending);
  process.stdout.write("\nwaiting for a change\n");
}

function rerun() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    pending = true;
    if (running) running.kill("SIGTERM");
    else runUntilQuiet();
  }, QUIET_MS);
}

for (const place of PLACES) watchFolder(join(root, place), rerun);
await runUntilQuiet();
