// The samples of a soak in one drawing: a plot under the other, on one axis of time.
import { BOLD, drawing, END, line, MIDDLE, rectangle, text } from "../svg.mjs";

/** @typedef {import("./measure.mjs").Sample} Sample */
/** @typedef {{ title: string, lines: Record<string, (sample: Sample) => number>, fromLeast?: boolean }} Plot */

const COLORS = ["#1f77b4", "#c0392b", "#27803b"];
/** @type {Plot[]} */
const PLOTS = [
  {
    title: "Memory, MiB, garbage collected",
    lines: {
      "resident size": ({ rss }) => rss,
      "heap without code": ({ heap }) => heap,
      external: (one) => one.external,
    },
  },
  {
    title: "Open descriptors (the axis does not begin at 0)",
    lines: { descriptors: ({ fds }) => fds },
    fromLeast: true,
  },
  { title: "Threads", lines: { threads: ({ threads }) => threads } },
  {
    title: "Delay of the event loop, ms",
    lines: { longest: ({ delay }) => delay, median: ({ typicalDelay }) => typicalDelay },
  },
  {
    title: "No processor for the event loop's thread, % of the time",
    lines: { waiting: ({ waited, elapsed }) => (100 * waited) / elapsed },
  },
];
const [LEFT, WIDTH, RIGHT, TOP, HEIGHT, GAP] = /** @type {const} */ ([60, 600, 240, 60, 110, 50]);

/** Numbers at equal, round distances that enclose both. */
function ticks(/** @type {number} */ least, /** @type {number} */ most, /** @type {number} */ count) {
  const rough = Math.max(most - least, 1e-9) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.floor(least / step);
  const last = Math.max(Math.ceil(most / step), first + 1);
  return Array.from({ length: last - first + 1 }, (_, n) => (first + n) * step);
}

function range(/** @type {number[]} */ values) {
  const short = (/** @type {number} */ value) => String(Number(value.toPrecision(4)));
  const [least, most] = [short(Math.min(...values)), short(Math.max(...values))];
  return least === most ? least : `${least} to ${most}`;
}

/** Moved apart where they are closer than a line of text. */
function apart(/** @type {{ what: string, color: string, y: number }[]} */ labels) {
  let above = Number.POSITIVE_INFINITY;
  return [...labels]
    .sort((a, b) => b.y - a.y)
    .map((label) => {
      above = Math.min(label.y, above - 14);
      return { ...label, y: above };
    });
}

/** @param {Plot} what @param {Sample[]} samples @param {(seconds: number) => number} x @param {number} top */
function plot({ title, lines, fromLeast = false }, samples, x, top) {
  const series = Object.entries(lines).map(([label, take], n) => ({
    label,
    color: COLORS[n] ?? "#222",
    values: samples.map(take),
  }));
  const all = series.flatMap(({ values }) => values);
  const marks = ticks(fromLeast ? Math.min(...all) : 0, Math.max(...all, 1), 4);
  const [least, most] = [marks[0] ?? 0, marks.at(-1) ?? 1];
  const y = (/** @type {number} */ value) => top + HEIGHT - ((value - least) / (most - least)) * HEIGHT;
  const labels = series.map(({ label, color, values }) => ({
    what: `${label} ${range(values)}`,
    color,
    y: y(values.at(-1) ?? 0),
  }));
  return [
    text(LEFT, top - 8, title, BOLD),
    ...marks.map((mark) =>
      line(
        [
          [LEFT, y(mark)],
          [LEFT + WIDTH, y(mark)],
        ],
        "#ddd",
      ),
    ),
    ...marks.map((mark) => text(LEFT - 6, y(mark) + 4, Number(mark.toPrecision(6)), END)),
    ...series.map(({ color, values }) =>
      line(
        samples.map(({ seconds }, n) => [x(seconds), y(values[n] ?? 0)]),
        color,
        1.5,
      ),
    ),
    ...apart(labels).map((label) => text(LEFT + WIDTH + 8, label.y + 4, label.what, { fill: label.color })),
  ];
}

/** `heading` says in a line what ran. */
export function svg(/** @type {Sample[]} */ samples, /** @type {string} */ heading) {
  const end = samples.at(-1)?.seconds ?? 1;
  const x = (/** @type {number} */ seconds) => LEFT + (seconds / end) * WIDTH;
  const height = TOP + PLOTS.length * (HEIGHT + GAP);
  const bottom = height - GAP;
  const quarter = (/** @type {number} */ n, /** @type {string} */ name, /** @type {string} */ color) => [
    rectangle({ x: x((end * n) / 4), y: TOP - 26, width: WIDTH / 4, height: bottom - TOP + 26 }, color),
    text(x((end * (n + 0.5)) / 4), TOP - 30, name, { ...MIDDLE, fill: "#666" }),
  ];
  const [unit, name] = end < 120 ? /** @type {const} */ ([1, "s"]) : /** @type {const} */ ([60, "min"]);
  const times = ticks(0, end / unit, 10).filter((time) => time * unit <= end);
  return drawing({ title: heading, width: LEFT + WIDTH + RIGHT, height, fontSize: 12 }, [
    text(LEFT, 16, heading, { "font-size": 13 }),
    ...quarter(2, "third quarter", "#f4f4f4"),
    ...quarter(3, "last quarter", "#eaeaea"),
    ...PLOTS.flatMap((each, n) => plot(each, samples, x, TOP + n * (HEIGHT + GAP))),
    ...times.map((time) => text(x(time * unit), bottom + 18, `${Number(time.toPrecision(6))} ${name}`, MIDDLE)),
  ]);
}
