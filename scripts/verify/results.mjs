// What passed already, for --resume: results count for the commit and the clean tree with which they were made.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** @typedef {Record<string, string>} Passed The last line of each step that passed, by its name. */

function git(/** @type {string} */ root, /** @type {string[]} */ args) {
  const { status, stdout } = spawnSync("git", args, { cwd: root, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/**
 * The commit whose tree this is.
 * @returns {{ commit: string } | { reason: string }} The reason why results cannot be kept.
 */
export function verifiedCommit(/** @type {string} */ root) {
  const commit = git(root, ["rev-parse", "HEAD"]);
  const changes = git(root, ["status", "--porcelain"]);
  if (commit === undefined || changes === undefined) return { reason: "this is no git repository" };
  const files = changes.split("\n").filter(Boolean);
  if (files.length === 0) return { commit };
  return {
    reason: `the tree differs from commit ${commit.slice(0, 10)} (${files.map((line) => line.slice(3)).join(", ")})`,
  };
}

/** The steps that passed on this commit. Those of another one are of no use any more. */
export function readPassed(/** @type {string} */ file, /** @type {string} */ commit) {
  try {
    const kept = JSON.parse(readFileSync(file, "utf8"));
    if (kept.commit === commit) return /** @type {Passed} */ (kept.passed);
  } catch {
    // There is none, or an interrupted run wrote half of it.
  }
  return {};
}

export function writePassed(/** @type {string} */ file, /** @type {string} */ commit, /** @type {Passed} */ passed) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ commit, passed }, null, 2)}\n`);
}
