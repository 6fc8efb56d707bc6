// Skipped tests, grouped by what the machine lacks, and one command that installs all of it.

/** @typedef {{ name: string, why: string }} Skip */

const PACKAGE = / \(Debian: ([^)]+)\)/g;

/** `3 in cmsg/passing, 1 in cmsg/file`: a whole machine's worth of names is more than anyone reads. */
function places(/** @type {Skip[]} */ skips) {
  /** @type {Map<string, number>} */
  const files = new Map();
  for (const { name } of skips) {
    const file = name.split(" > ")[0]?.replace(/^test\/src\/|\.test\.ts$/g, "") ?? "";
    files.set(file, (files.get(file) ?? 0) + 1);
  }
  return [...files].map(([file, count]) => `${count} in ${file}`).join(", ");
}

/** The Debian packages that a reason names: test/src/support/requirements.ts writes them. */
function debianPackages(/** @type {string[]} */ reasons) {
  const named = reasons.flatMap((reason) => [...reason.matchAll(PACKAGE)].map(([, name]) => name ?? ""));
  return [...new Set(named)].sort();
}

/** A line for each thing that is missing; a test that lacks two is told of in both. */
export function groupSkips(/** @type {Skip[]} */ skips) {
  /** @type {Map<string, Skip[]>} */
  const groups = new Map();
  for (const skip of skips) {
    for (const reason of new Set(skip.why.split("; "))) groups.set(reason, [...(groups.get(reason) ?? []), skip]);
  }
  return [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([reason, those]) => `skipped: ${reason.replace(PACKAGE, "")}: ${places(those)}`);
}

/** Empty when no package is missing. */
export function installLine(/** @type {string[]} */ reasons) {
  const packages = debianPackages(reasons);
  return packages.length > 0 ? [`To run them on Debian: apt-get install ${packages.join(" ")}`] : [];
}
