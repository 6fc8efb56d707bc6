// From what a case's programs printed to the rows of the table: one for each figure and peer.

const sorted = (numbers) => numbers.filter(Number.isFinite).sort((a, b) => a - b);
const at = (numbers, part) => numbers[Math.round((numbers.length - 1) * part)];
const within = ({ bound, value }, number) => (bound === "at most" ? number <= value : number >= value);

export function judge(one, results) {
  return one.figures.flatMap((figure) =>
    Object.keys(figure.targets).map((peer) => row(one, figure, peer, results.get(peer))),
  );
}

function row(one, figure, peer, { size, pairs, missing, error }) {
  const given = figure.targets[peer];
  const target = typeof given === "function" ? given() : given;
  const values = pairs.map((pair) => pair.map((result) => result && figure.from(result, size)));
  const middle = (numbers) => at(numbers, figure.worst ? 1 : 0.5);
  const ours = middle(sorted(values.map(([own]) => own)));
  const theirs = middle(sorted(values.map(([, other]) => other)));
  // A ratio to nothing is none.
  const ratios = sorted(values.map(([own, other]) => (other > 0 ? own / other : Number.NaN)));
  const ratio = at(ratios, 0.5);
  const judged = target?.of === "ours" ? ours : ratio;
  const lost = one.name === "lost" ? 0 : pairs.reduce((sum, [, result]) => sum + (result?.lost ?? 0), 0);
  return {
    name: `${one.name}/${figure.name}`,
    title: one.title,
    unit: figure.unit,
    peer,
    ours,
    theirs,
    ratio,
    spread:
      ratio === undefined
        ? undefined
        : [ratios[Math.floor((ratios.length - 1) * 0.25)], ratios[Math.ceil((ratios.length - 1) * 0.75)]],
    pairs: pairs.length,
    target,
    reached: target ? !error && judged !== undefined && within(target, judged) : undefined,
    missing,
    error,
    note: lost > 0 ? `${peer} lost ${lost} descriptors` : undefined,
  };
}

export const failed = ({ error }) => error !== undefined;

/** What --json prints of a row. `target` bounds `ratio`, or `ours` where `of` says so. */
export function jsonRow({
  name,
  peer,
  ratio,
  target,
  reached,
  ours,
  theirs,
  spread,
  unit,
  pairs,
  missing,
  error,
  note,
}) {
  const { value = null, bound, of } = target ?? {};
  return {
    name,
    peer,
    ratio: ratio ?? null,
    target: value,
    reached: reached ?? null,
    ...{ bound, of, unit, ours, theirs, spread, pairs, missing, error, note },
  };
}
