// Builds what a run of tests needs, and only what has changed: with nothing changed it takes a fifth of a second.
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { nativeIsBuilt } from "../../native/scripts/freshness.mjs";

const BUNDLE = "packages/console-socket/dist/bin";
const BUNDLED = ["native/dist", "packages/cmsg/dist", "packages/console-socket/dist"];

/** The latest modification of a folder's compiled modules, the bundle itself left out. */
function newest(/** @type {string} */ folder) {
  const modules = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".js"))
    .map((name) => statSync(join(folder, name)).mtimeMs);
  return Math.max(0, ...modules);
}

function bundleIsFresh(/** @type {string} */ root) {
  const bundle = statSync(join(root, BUNDLE, "console-socket.cjs"), { throwIfNoEntry: false });
  return bundle !== undefined && BUNDLED.every((folder) => newest(join(root, folder)) < bundle.mtimeMs);
}

/** @returns {Promise<boolean>} false when something does not compile; the compiler has said why. */
export async function buildChanged(/** @type {string} */ root) {
  const run = (/** @type {string} */ command, /** @type {string[]} */ args) =>
    spawnSync(command, args, { cwd: root, stdio: "inherit" }).status === 0;
  if (!nativeIsBuilt()) {
    if (!run(process.execPath, ["scripts/preflight.mjs"])) return false;
    if (!run(process.execPath, ["native/scripts/build.mjs"])) return false;
  }
  // The compiler itself: its wrapper's own start takes longer than looking at unchanged sources.
  if (!run(join(root, "node_modules/.bin/tsc"), ["-b"])) return false;
  if (!bundleIsFresh(root)) {
    // Loaded when it is needed: esbuild takes longer to load than all of the above.
    const { bundleCommand } = await import("../bundle-command.mjs");
    await bundleCommand();
  }
  return true;
}
