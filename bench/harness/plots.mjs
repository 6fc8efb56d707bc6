// A plot: a bar for each peer's ratio on a logarithmic scale, its quartiles as a whisker, the target as a line.
import { BOLD, drawing, line, MIDDLE, rectangle, text } from "../../scripts/svg.mjs";
import { show } from "./table.mjs";

const LABEL = 215;
const WIDTH = 420;
const VERDICT = 340;
const LINE = 26;
const TOP = 48;
const NARROWEST = 36; // between two numbers of the axis
const COLORS = { reached: "#3a8f5c", missed: "#c0504d", none: "#7a8ba0", target: "#c47f00" };

// From coarse to fine: the steps of an axis within one power of ten.
const STEPS = [
  [1],
  [1, 2, 5],
  [1, 1.5, 2, 3, 5, 7],
  Array.from({ length: 18 }, (_, n) => 1 + n / 2),
  Array.from({ length: 90 }, (_, n) => 1 + n / 10),
  Array.from({ length: 180 }, (_, n) => 1 + n / 20),
];

/** Round numbers in the range, four at least where there is room; 1 is always among them. */
function marks(low, high, x) {
  const within = (steps) =>
    Array.from({ length: 13 }, (_, n) => 10 ** (n - 6))
      .flatMap((power) => steps.map((step) => Number((step * power).toPrecision(3))))
      .filter((mark) => mark >= low && mark <= high);
  const enough = STEPS.map(within).find((found) => found.length >= 4) ?? within(STEPS.at(-1));
  const chosen = [1];
  for (const mark of enough) {
    if (chosen.every((other) => Math.abs(x(other) - x(mark)) >= NARROWEST)) chosen.push(mark);
  }
  return chosen;
}

function verdict({ ratio, unit, target, reached }) {
  if (!target) return show(ratio);
  const bound = `${target.bound} ${show(target.value)}`;
  return `${show(ratio)}, ${reached ? "reached" : "missed"}: ${target.of === "ours" ? `ours ${bound} ${unit}` : bound}`;
}

/** SVG of the rows that have a ratio. */
export function plot(title, rows) {
  const values = rows.flatMap(({ ratio, spread, target }) => [
    ratio,
    ...spread,
    1,
    ...(target?.of === "ratio" ? [target.value] : []),
  ]);
  const positive = values.filter((value) => value > 0);
  const [low, high] = [Math.min(...positive) / 1.1, Math.max(...positive) * 1.1];
  const x = (value) => LABEL + (Math.log(Math.max(value, low) / low) / Math.log(high / low)) * WIDTH;
  const bottom = TOP + rows.length * LINE;
  const vertical = (value, y1, y2, color, width = 1) =>
    line(
      [
        [x(value), y1],
        [x(value), y2],
      ],
      color,
      width,
    );
  const bars = rows.flatMap((row, n) => {
    const { name, peer, ratio, spread, target, reached } = row;
    const y = TOP + 4 + n * LINE;
    const [from, to] = [Math.min(x(1), x(ratio)), Math.max(x(1), x(ratio))];
    const color = COLORS[reached === undefined ? "none" : reached ? "reached" : "missed"];
    return [
      text(8, y + 13, `${name.split("/")[1]}, beside ${peer}`),
      rectangle({ x: from, y, width: Math.max(to - from, 2), height: 16 }, color),
      line(
        spread.map((value) => [x(value), y + 8]),
        "#222",
        2,
      ),
      target?.of === "ratio" ? vertical(target.value, y - 3, y + 19, COLORS.target, 3) : "",
      text(LABEL + WIDTH + 10, y + 13, verdict(row)),
    ];
  });
  const axis = marks(low, high, x).flatMap((mark) => [
    vertical(mark, TOP - 4, bottom + 4, mark === 1 ? "#444" : "#ddd", mark === 1 ? 1.5 : 1),
    text(x(mark), bottom + 18, mark, { ...MIDDLE, fill: "#555" }),
  ]);
  const about = "ours divided by theirs, on a logarithmic axis; black: quartiles, orange: target";
  return drawing({ title, width: LABEL + WIDTH + VERDICT, height: bottom + 28, fontSize: 13 }, [
    text(8, 18, title, BOLD),
    text(8, 36, about, { fill: "#555", "font-size": 11 }),
    ...axis,
    ...bars,
  ]);
}
