// Whether build/Release is what the sources say: a note beside the binaries has the time and size of every file that the
// build was made of. make would come to the same answer, after node-gyp has looked for Python, headers and a compiler.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./root.mjs";
import { SOURCES } from "./sources.mjs";

const note = join(root, "build/Release/built-from.json");
const BINARIES = ["cmsg.node", "console-init", "console-keeper"];

/** @returns {string[]} A line for each file. */
function describe(/** @type {string} */ path) {
  const stat = statSync(join(root, path));
  if (!stat.isDirectory()) return [`${path} ${stat.mtimeMs} ${stat.size}`];
  return readdirSync(join(root, path))
    .sort()
    .flatMap((name) => describe(join(path, name)));
}

/** What a build that begins now is made of. */
export const describeSources = () => JSON.stringify(SOURCES.flatMap(describe), null, 1);

export function nativeIsBuilt() {
  if (!BINARIES.every((name) => existsSync(join(root, "build/Release", name)))) return false;
  return existsSync(note) && readFileSync(note, "utf8") === describeSources();
}

/** Before a build: one that fails must not leave the note of an earlier one. */
export function forgetBuild() {
  rmSync(note, { force: true });
}

/** `sources` as they were before the build: one that was saved meanwhile is not in it. */
export function rememberBuild(/** @type {string} */ sources) {
  writeFileSync(note, sources);
}
