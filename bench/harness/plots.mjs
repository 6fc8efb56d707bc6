// A plot: a bar for each peer's ratio on a logarithmic scale, its quartiles as a whisker, the target as a line. Colours
// follow the reader's light or dark scheme.
import { show } from "./table.mjs";

const LABEL = 250;
const WIDTH = 480;
const LINE = 26;
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** SVG of the rows that have a ratio. */
export function plot(title, rows) {
  const values = rows.flatMap(({ ratio, spread, target }) => [
    ratio,
    ...spread,
    1,
    ...(target?.of === "ratio" ? [target.value] : []),
  ]);
  const positive = values.filter((value) => value > 0);
  const [low, high] = [Math.min(...positive) / 1.2, Math.max(...positive) * 1.2].map(Math.log);
  const x = (value) => LABEL + ((Math.log(Math.max(value, Math.exp(low))) - low) / (high - low)) * WIDTH;
  const height = 40 + rows.length * LINE;
  const line = (at, y1, y2, kind) =>
    `<line class="${kind}" x1="${at.toFixed(1)}" x2="${at.toFixed(1)}" y1="${y1}" y2="${y2}"/>`;
  const bars = rows.map(({ name, peer, ratio, spread, target, reached }, n) => {
    const y = 36 + n * LINE;
    const [from, to] = [x(1), x(ratio)].sort((a, b) => a - b);
    const kind = reached === undefined ? "open" : reached ? "yes" : "no";
    return [
      `<text x="8" y="${y + 13}">${escaped(`${name.split("/")[1]}, ${peer}`)}</text>`,
      `<rect class="${kind}" x="${from.toFixed(1)}" y="${y}" width="${Math.max(to - from, 2).toFixed(1)}" height="16"/>`,
      `<path class="whisker" d="M${x(spread[0]).toFixed(1)} ${y + 8}H${x(spread[1]).toFixed(1)}"/>`,
      target?.of === "ratio" ? line(x(target.value), y - 3, y + 19, "target") : "",
      `<text x="${LABEL + WIDTH + 10}" y="${y + 13}">${show(ratio)}</text>`,
    ].join("");
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LABEL + WIDTH + 70} ${height}" font-family="sans-serif" font-size="13">
<title>${escaped(title)}</title>
<style>text{fill:#222}.yes{fill:#3a8f5c}.no{fill:#c0504d}.open{fill:#7a8ba0}.whisker{stroke:#222;stroke-width:2}.one{stroke:#888}.target{stroke:#c47f00;stroke-width:3}@media(prefers-color-scheme:dark){text{fill:#ddd}.whisker{stroke:#eee}}</style>
<text x="8" y="20" font-weight="bold">${escaped(title)}</text>
${line(x(1), 28, height - 4, "one")}
${bars.join("\n")}
</svg>
`;
}
