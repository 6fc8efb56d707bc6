// Which test files are meant: patterns of source names become compiled files.
import { readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";

const SUFFIX = ".test.ts";
const CLOSE_NAMES = 5;

/** A test file is known by its source: the compiled folder may still have files whose source was renamed. */
export function testNames(/** @type {string} */ root) {
  return readdirSync(join(root, "test/src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length))
    .sort();
}

export const sourceOf = (/** @type {string} */ name) => `test/src/${name}${SUFFIX}`;
export const compiledOf = (/** @type {string} */ name) => `test/dist/${name}.test.js`;

/** `cmsg/file` of `test/src/cmsg/file.test.ts`, of the compiled file and of an absolute path; a part of a name as it is. */
function withoutPlace(/** @type {string} */ pattern, /** @type {string} */ root) {
  const path = relative(root, resolve(root, pattern));
  const part = path.match(/^test\/(?:src|dist)\/(.*)$/)?.[1];
  const folder = pattern.endsWith("/") ? "/" : "";
  return (part === undefined ? pattern.replace(/^\.\//, "") : part + folder).replace(/\.test\.(ts|js)$/, "");
}

/** How many letters have to be added, removed or changed to make one word the other. */
function distance(/** @type {string} */ one, /** @type {string} */ other) {
  let row = Array.from({ length: other.length + 1 }, (_, n) => n);
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (const [j, second] of [...other].entries()) {
      const changed = (row[j] ?? 0) + (letter === second ? 0 : 1);
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The names of which a part resembles the pattern most. */
function closeNames(/** @type {string} */ pattern, /** @type {string[]} */ names) {
  const wanted = pattern.replace(/\/$/, "");
  const far = (/** @type {string} */ name) =>
    Math.min(...[name, ...name.split("/"), ...name.split(/[/-]/)].map((part) => distance(wanted, part)));
  return names
    .map((name) => ({ name, letters: far(name) }))
    .sort((a, b) => a.letters - b.letters)
    .slice(0, CLOSE_NAMES)
    .map(({ name }) => name);
}

/**
 * The names that contain one of the patterns, or are one of them; all without a pattern.
 * @param {string[]} names
 * @param {string[]} patterns
 * @param {string} root
 * @returns {{ chosen: string[], problems: string[] }} A problem is a sentence for each pattern that matches nothing.
 */
export function chooseTests(names, patterns, root) {
  if (patterns.length === 0) return { chosen: names, problems: [] };
  const chosen = new Set();
  const problems = [];
  for (const pattern of patterns) {
    const part = withoutPlace(pattern, root);
    const found = names.includes(part) ? [part] : names.filter((name) => name.includes(part));
    for (const name of found) chosen.add(name);
    if (found.length === 0) {
      const close = closeNames(part, names).join(", ");
      problems.push(`no test in test/src has ${JSON.stringify(pattern)} in its name; the closest are ${close}`);
    }
  }
  return { chosen: names.filter((name) => chosen.has(name)), problems };
}
