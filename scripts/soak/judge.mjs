// Whether the samples are flat: in the second half of the time nothing grows any more.

/** In less, what is allocated once is still coming: the resident size grows in the first minute or two. */
const SHORTEST_SECONDS = 120;

/**
 * What the median of the last quarter may have more than that of the third, in MiB. In ten minutes more than 5,000
 * consoles and peers come in a quarter, and 128 KiB of heap are less than one object for each. The resident size is in
 * pages and depends on where malloc finds room; samples differ by 1 MiB.
 */
const GROWTH_MIB = { rss: 2, heap: 0.125, external: 0.125 };

/**
 * What one turn of the event loop may last beyond the time in which there was no processor for it. A call that a peer makes
 * sleep is interrupted after 40 ms.
 */
const LONGEST_TURN_MS = 1000;

function median(numbers) {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/** `problems`: a sentence for each quantity that is not flat; `summary`: the figures. */
export function judge(samples) {
  const quarter = (n) =>
    samples.slice(Math.floor((samples.length * n) / 4), Math.floor((samples.length * (n + 1)) / 4));
  const [third, last] = [quarter(2), quarter(3)];
  const judged = (samples.at(-1)?.seconds ?? 0) >= SHORTEST_SECONDS;
  const problems = [];
  const summary = [];
  for (const [name, most] of Object.entries(GROWTH_MIB)) {
    const [from, to] = [third, last].map((part) => median(part.map((sample) => sample[name])));
    const text = `${name} ${from.toFixed(2)} -> ${to.toFixed(2)} MiB`;
    summary.push(text);
    if (judged && to > from + most) problems.push(`${text}: more than ${most} MiB from the third quarter to the last`);
  }
  const longest = (take) => Math.max(...samples.map(take));
  const own = longest(({ delay, waited }) => delay - waited);
  summary.push(
    `event loop's longest delay ${longest(({ delay }) => delay).toFixed(0)} ms`,
    `median ${median(samples.map(({ typicalDelay }) => typicalDelay)).toFixed(0)} ms`,
    `no processor for it in at most ${longest(({ waited, elapsed }) => (100 * waited) / elapsed).toFixed(0)} % of the time`,
  );
  if (judged && own > LONGEST_TURN_MS) problems.push(`a turn of the event loop took ${own.toFixed(0)} ms by itself`);
  return { problems, summary };
}
