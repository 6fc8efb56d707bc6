// The samples as one SVG: a plot under the other, on one axis of time.
const COLORS = ["#1f77b4", "#c0392b", "#27803b"];
const PLOTS = [
  {
    title: "Memory, MiB, garbage collected",
    lines: { "resident size": "rss", "heap without code": "heap", external: "external" },
  },
  { title: "Open descriptors (the axis does not begin at 0)", lines: { descriptors: "fds" }, fromLeast: true },
  { title: "Threads", lines: { threads: "threads" } },
  { title: "Delay of the event loop, ms", lines: { longest: "delay", median: "typicalDelay" } },
  {
    title: "No processor for the event loop's thread, % of the time",
    lines: { waiting: ({ waited, elapsed }) => (100 * waited) / elapsed },
  },
];
const [LEFT, WIDTH, RIGHT, TOP, HEIGHT, GAP] = [60, 600, 240, 60, 110, 50];

/** Numbers at equal, round distances that enclose both. */
function ticks(least, most, count) {
  const rough = Math.max(most - least, 1e-9) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.floor(least / step);
  const last = Math.max(Math.ceil(most / step), first + 1);
  return Array.from({ length: last - first + 1 }, (_, n) => (first + n) * step);
}

const at = (number) => number.toFixed(1);
const text = (x, y, what, more = "") => `<text x="${at(x)}" y="${at(y)}" ${more}>${what}</text>`;
const END = 'text-anchor="end"';
const MIDDLE = 'text-anchor="middle"';

function range(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)].map((value) => String(Number(value.toPrecision(4))));
  return least === most ? least : `${least} to ${most}`;
}

/** Moved apart where they are closer than a line of text. */
function apart(labels) {
  const sorted = [...labels].sort((a, b) => b.y - a.y);
  for (const [n, label] of sorted.entries()) if (n > 0) label.y = Math.min(label.y, sorted[n - 1].y - 14);
  return sorted;
}

function plot({ title, lines, fromLeast = false }, samples, x, top) {
  const series = Object.entries(lines).map(([label, take], n) => ({
    label,
    color: COLORS[n],
    values: samples.map((sample) => (typeof take === "function" ? take(sample) : sample[take])),
  }));
  const all = series.flatMap(({ values }) => values);
  const marks = ticks(fromLeast ? Math.min(...all) : 0, Math.max(...all, 1), 4);
  const [least, most] = [marks[0], marks.at(-1)];
  const y = (value) => top + HEIGHT - ((value - least) / (most - least)) * HEIGHT;
  const labels = series.map(({ label, color, values }) => ({
    text: `${label} ${range(values)}`,
    color,
    y: y(values.at(-1)),
  }));
  return [
    text(LEFT, top - 8, title, 'font-weight="bold"'),
    ...marks.map((mark) => `<path stroke="#ddd" d="M${LEFT},${at(y(mark))}h${WIDTH}"/>`),
    ...marks.map((mark) => text(LEFT - 6, y(mark) + 4, Number(mark.toPrecision(6)), END)),
    ...series.map(({ color, values }) => {
      const points = values.map((value, n) => `${at(x(samples[n].seconds))},${at(y(value))}`).join(" ");
      return `<polyline fill="none" stroke="${color}" stroke-width="1.5" points="${points}"/>`;
    }),
    ...apart(labels).map((label) => text(LEFT + WIDTH + 8, label.y + 4, label.text, `fill="${label.color}"`)),
  ].join("\n");
}

/** `heading` says in a line what ran. */
export function svg(samples, heading) {
  const end = samples.at(-1)?.seconds ?? 1;
  const x = (seconds) => LEFT + (seconds / end) * WIDTH;
  const height = TOP + PLOTS.length * (HEIGHT + GAP);
  const bottom = height - GAP;
  const quarter = (n, name, color) =>
    `<rect x="${at(x((end * n) / 4))}" y="${TOP - 26}" width="${WIDTH / 4}" height="${bottom - TOP + 26}" fill="${color}"/>` +
    text(x((end * (n + 0.5)) / 4), TOP - 30, name, `${MIDDLE} fill="#666"`);
  const [unit, name] = end < 120 ? [1, "s"] : [60, "min"];
  const times = ticks(0, end / unit, 10).filter((time) => time * unit <= end);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + RIGHT} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${heading}</title>`,
    `<rect width="100%" height="100%" fill="white"/>`,
    text(LEFT, 16, heading, 'font-size="13"'),
    quarter(2, "third quarter", "#f4f4f4"),
    quarter(3, "last quarter", "#eaeaea"),
    ...PLOTS.map((each, n) => plot(each, samples, x, TOP + n * (HEIGHT + GAP))),
    ...times.map((time) => text(x(time * unit), bottom + 18, `${Number(time.toPrecision(6))} ${name}`, MIDDLE)),
    "</svg>\n",
  ].join("\n");
}
