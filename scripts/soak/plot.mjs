// The samples as one SVG: a small plot under the other for each quantity.
const PLOTS = [
  { title: "memory (MiB)", names: ["rss", "heap", "external"] },
  { title: "descriptors", names: ["fds"] },
  { title: "threads", names: ["threads"] },
  { title: "event-loop delay, p99 (ms)", names: ["delay"] },
];
const COLORS = ["#1f77b4", "#d62728", "#2ca02c"];
const [WIDTH, HEIGHT, LEFT, GAP] = [720, 130, 60, 40];

function plot({ title, names }, samples, top) {
  const most = Math.max(1, ...samples.flatMap((sample) => names.map((name) => sample[name])));
  const end = Math.max(1, samples.at(-1)?.seconds ?? 1);
  const x = ({ seconds }) => (LEFT + (seconds / end) * (WIDTH - LEFT - 10)).toFixed(1);
  const y = (value) => (top + HEIGHT - (value / most) * HEIGHT).toFixed(1);
  const lines = names.map((name, n) => {
    const points = samples.map((sample) => `${x(sample)},${y(sample[name])}`).join(" ");
    const label =
      names.length > 1 ? `<text x="${WIDTH - 70}" y="${top + 14 * (n + 1)}" fill="${COLORS[n]}">${name}</text>` : "";
    return `<polyline fill="none" stroke="${COLORS[n]}" points="${points}"/>${label}`;
  });
  return [
    `<text x="${LEFT}" y="${top - 6}">${title}</text>`,
    `<path fill="none" stroke="#888" d="M${LEFT},${top}V${top + HEIGHT}H${WIDTH - 10}"/>`,
    `<text x="${LEFT - 6}" y="${top + 10}" text-anchor="end">${most.toFixed(0)}</text>`,
    `<text x="${LEFT - 6}" y="${top + HEIGHT}" text-anchor="end">0</text>`,
    `<text x="${WIDTH - 10}" y="${top + HEIGHT + 14}" text-anchor="end">${end.toFixed(0)} s</text>`,
    ...lines,
  ].join("\n");
}

export function svg(samples) {
  const plots = PLOTS.map((each, n) => plot(each, samples, GAP + n * (HEIGHT + GAP)));
  const height = PLOTS.length * (HEIGHT + GAP) + GAP;
  const style = 'font-family="sans-serif" font-size="12"';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ${style}>`,
    "<title>Memory, descriptors, threads and event-loop delay of a soak</title>",
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    ...plots,
    "</svg>\n",
  ].join("\n");
}
