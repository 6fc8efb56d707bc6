// docs/performance.md and its plots, from the rows of a run.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { plot } from "./plots.mjs";
import { cells, HEAD } from "./table.mjs";

const docs = fileURLToPath(new URL("../../docs/", import.meta.url));

export function writePage(rows, machine, { quick, only }) {
  const plots = join(docs, "performance");
  rmSync(plots, { recursive: true, force: true });
  mkdirSync(plots, { recursive: true });
  const sections = grouped(rows);
  const text = [...sections].map(([name, own]) => section(name, own, plots)).join("\n");
  const command = ["pnpm bench --plots", ...(quick ? ["--quick"] : []), ...only.map((name) => `--only ${name}`)].join(
    " ",
  );
  const kind = quick ? "A quick run (3 pairs of small sizes), which shows the direction alone." : "A full run.";
  writeFileSync(
    join(docs, "performance.md"),
    `# Performance

Written by \`${command}\`. ${kind} ${machine.summary}; load at the start ${machine.load}.

A ratio is ours divided by theirs: the median over pairs of runs in turns, with its quartiles. In the plots green bars reached the target, red ones missed it, grey ones have none. What each case and peer does is in [bench/README.md](../bench/README.md). Why some targets are out of reach is in [a decision of its own](decisions/missed-targets.md).

${text}`,
  );
  return "docs/performance.md";
}

const caseOf = ({ name }) => name.split("/")[0];

function grouped(rows) {
  const groups = new Map();
  for (const row of rows) groups.set(caseOf(row), [...(groups.get(caseOf(row)) ?? []), row]);
  return groups;
}

function section(name, rows, plots) {
  const plotted = rows.filter(({ ratio }) => ratio > 0);
  if (plotted.length > 0) writeFileSync(join(plots, `${name}.svg`), plot(rows[0].title, plotted));
  const line = (texts) => `| ${texts.map((text) => text.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  const figure = plotted.length > 0 ? `![${rows[0].title}: ratios](performance/${name}.svg)\n\n` : "";
  return `## ${rows[0].title}\n\n${figure}${[HEAD, HEAD.map(() => "---"), ...rows.map(cells)].map(line).join("\n")}\n`;
}
