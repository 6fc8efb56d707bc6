// What a process uses, once a second, and whether that is flat: after half of the time it must not grow any more.
import { readdirSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

/** What the fourth quarter's mean may have more than the third's: the allocator's and the collector's noise. */
const GROWTH = { rss: 0.05, heap: 0.1, external: 0.1 };
/** Of a small quantity a part is less than one buffer. */
const NOISE_MIB = 4;

/** In less the just-in-time compiler and the first collections are still at work. */
const SHORTEST_SECONDS = 60;

const MIB = 1024 * 1024;
const count = (directory) => readdirSync(directory).length;

export class Measurement {
  samples = [];
  #delay = monitorEventLoopDelay({ resolution: 5 });
  #begin = performance.now();

  constructor() {
    this.#delay.enable();
  }

  take() {
    const { rss, heapUsed, external } = process.memoryUsage();
    this.samples.push({
      seconds: (performance.now() - this.#begin) / 1000,
      rss: rss / MIB,
      heap: heapUsed / MIB,
      external: external / MIB,
      fds: count("/proc/self/fd"),
      threads: count("/proc/self/task"),
      delay: this.#delay.percentile(99) / 1e6,
    });
    this.#delay.reset();
  }

  #seconds() {
    return this.samples.at(-1)?.seconds ?? 0;
  }

  /** One sentence for each quantity of memory that grew; the figures in `summary`. */
  judge() {
    const length = this.samples.length;
    const mean = (name, from, to) => {
      const part = this.samples.slice(Math.floor(length * from), Math.floor(length * to));
      return part.reduce((sum, sample) => sum + sample[name], 0) / part.length;
    };
    const summary = [];
    const grown = [];
    for (const [name, bound] of Object.entries(GROWTH)) {
      const [third, fourth] = [mean(name, 0.5, 0.75), mean(name, 0.75, 1)];
      const text = `${name} ${third.toFixed(1)} -> ${fourth.toFixed(1)} MiB`;
      summary.push(text);
      if (this.#seconds() < SHORTEST_SECONDS) continue;
      if (fourth > third * (1 + bound) + NOISE_MIB)
        grown.push(`${text}: more than ${bound * 100} % and ${NOISE_MIB} MiB from the third quarter to the last`);
    }
    return { summary, grown };
  }
}
