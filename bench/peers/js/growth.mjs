// How memory grows while messages pass at full rate. Needs --expose-gc.

const { gc } = globalThis;

function used() {
  if (!gc) throw new Error("--expose-gc is missing");
  for (let i = 0; i < 3; i++) gc();
  const { heapUsed, external } = process.memoryUsage();
  return { heapUsed, external };
}

/**
 * Calls `pass(count)` for so many minutes and prints {"messages":N,"heapGrowthBytes":N,"externalGrowthBytes":N,"rssMiB":N}.
 * What comes before counts as the warm-up.
 */
export async function printGrowth(minutes, pass) {
  const before = used();
  const end = performance.now() + minutes * 60_000;
  let messages = 0;
  while (performance.now() < end) {
    await pass(10_000);
    messages += 10_000;
  }
  const after = used();
  const growth = {
    messages,
    heapGrowthBytes: after.heapUsed - before.heapUsed,
    externalGrowthBytes: after.external - before.external,
    rssMiB: process.memoryUsage().rss >> 20,
  };
  console.log(JSON.stringify(growth));
}
