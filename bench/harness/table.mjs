// The result as text, for a terminal and for the page.

export const show = (number) => {
  if (number === undefined) return "–";
  return Math.abs(number) >= 100 ? String(Math.round(number)) : String(Number(number.toPrecision(3)));
};

/** The cells of a row, of an error the first line: case, peer, ours, theirs, ratio with its quartiles, target, reached. */
export function cells(row) {
  const { name, peer, unit, ours, theirs, ratio, spread, target, reached, missing, error, note } = row;
  const ratioText = ratio === undefined ? "–" : `${show(ratio)} (${spread.map(show).join("–")})`;
  const unitOf = target?.of === "ours" ? `${unit}, ours` : "of theirs";
  const verdict = error ? "ERROR" : reached === undefined ? "–" : reached ? "yes" : "NO";
  return [
    name,
    peer,
    `${show(ours)} ${unit}`,
    missing ? "missing" : show(theirs),
    ratioText,
    target ? `${target.bound} ${show(target.value)} ${unitOf}` : "–",
    [verdict, error?.split("\n")[0] ?? missing ?? note].filter(Boolean).join(": "),
  ];
}

export const HEAD = ["case", "peer", "ours", "theirs", "ratio (quartiles)", "target", "reached"];

export function table(rows) {
  const lines = [HEAD, ...rows.map(cells)];
  const widths = HEAD.map((_, n) => Math.max(...lines.map((line) => line[n].length)));
  return lines
    .map((line) =>
      line
        .map((cell, n) => cell.padEnd(widths[n]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
