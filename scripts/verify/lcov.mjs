// Coverage as LLVM and V8's reporters write it: lcov's tracefile, geninfo(1).

/** What is in a tracefile, by file below `root`: how many lines, branches and functions there are and ran, and which lines did not. */
export function readLcov(text, root) {
  return text
    .split("end_of_record\n")
    .filter((record) => record.includes("SF:"))
    .map((record) => {
      const number = (tag) => Number(record.match(new RegExp(`^${tag}:(\\d+)$`, "m"))?.[1] ?? 0);
      const file = record.match(/^SF:(.*)$/m)[1];
      const missed = [...record.matchAll(/^DA:(\d+),0$/gm)].map(([, line]) => Number(line));
      const counts = { lines: [number("LH"), number("LF")], branches: [number("BRH"), number("BRF")] };
      return { file: file.startsWith(`${root}/`) ? file.slice(root.length + 1) : file, ...counts, missed };
    });
}

/** One line for each file, and the sums of what is in one folder. */
export function table(files) {
  const rows = [];
  const byFolder = new Map();
  for (const entry of files) {
    const folder = entry.file.split("/").slice(0, 2).join("/");
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), entry]);
  }
  for (const [folder, entries] of byFolder) {
    rows.push([folder, sum(entries, "lines"), sum(entries, "branches")]);
    for (const { file, lines, branches } of entries) rows.push([`  ${file.slice(folder.length + 1)}`, lines, branches]);
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  const head = `${"".padEnd(width)} ${"lines".padStart(17)} ${"branches".padStart(17)}`;
  return [head, ...rows.map(([name, ...columns]) => [name.padEnd(width), ...columns.map(share)].join(" "))].join("\n");
}

/** How much of `what` ran, and of how much, in all of them. */
export function sum(entries, what) {
  return entries.reduce(([ran, all], entry) => [ran + entry[what][0], all + entry[what][1]], [0, 0]);
}

/** As a count and in percent. */
export function share([ran, all]) {
  const percent = all === 0 ? "" : `${((100 * ran) / all).toFixed(1)} %`;
  return `${ran}/${all}`.padStart(9) + percent.padStart(8);
}

/** FILE:LINE or FILE:FROM-TO, a line each. */
export function uncovered(files) {
  return files
    .flatMap(({ file, missed }) => ranges(missed).map(([from, to]) => `${file}:${from}${to > from ? `-${to}` : ""}\n`))
    .join("");
}

function ranges(lines) {
  const found = [];
  for (const line of lines) {
    const last = found.at(-1);
    if (last && line === last[1] + 1) last[1] = line;
    else found.push([line, line]);
  }
  return found;
}
