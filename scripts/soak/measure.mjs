// What this process uses, every few seconds.
import { readdirSync, readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { getHeapCodeStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const MIB = 1024 * 1024;
const NS_PER_MS = 1e6;
const count = (directory) => readdirSync(directory).length;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

// What functions are compiled to: V8 goes on optimizing, and dropping, for as long as a program runs.
function compiled() {
  const { code_and_metadata_size: machineCode, bytecode_and_metadata_size: bytecode } = getHeapCodeStatistics();
  return machineCode + bytecode;
}

// proc(5): how long the main thread could have run, had there been a processor for it, in nanoseconds.
function waitedForProcessor() {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ")[1]);
}

/**
 * Sizes in MiB, times in milliseconds but `seconds`, which is from the beginning.
 * @typedef {object} Sample
 * @property {number} seconds
 * @property {number} delay The event loop's longest delay.
 * @property {number} typicalDelay Its median.
 * @property {number} waited How long the thread had no processor, of the time `elapsed`.
 * @property {number} elapsed
 * @property {number} fds
 * @property {number} threads
 * @property {number} rss
 * @property {number} heap
 * @property {number} external
 */

export class Measurement {
  /** @type {Sample[]} */
  samples = [];
  #delay = monitorEventLoopDelay({ resolution: 1 });
  #begin = performance.now();
  #since = this.#begin;
  #waited = waitedForProcessor();

  constructor() {
    this.#delay.enable();
  }

  /**
   * Memory is what is left when all garbage is collected: when V8 would have done that by itself is not the subject. The
   * time that this takes is in no sample.
   */
  async take() {
    this.#delay.disable();
    const now = performance.now();
    const sample = {
      seconds: (now - this.#begin) / 1000,
      delay: this.#delay.max / NS_PER_MS,
      typicalDelay: this.#delay.percentile(50) / NS_PER_MS,
      waited: (waitedForProcessor() - this.#waited) / NS_PER_MS,
      elapsed: now - this.#since,
      fds: count("/proc/self/fd"),
      threads: count("/proc/self/task"),
    };
    // Of a native object the first collection frees JavaScript's side, and what that held is free in the second.
    collect();
    await turn();
    collect();
    const { rss, heapUsed, external } = process.memoryUsage();
    this.samples.push({ ...sample, rss: rss / MIB, heap: (heapUsed - compiled()) / MIB, external: external / MIB });
    this.#since = performance.now();
    this.#waited = waitedForProcessor();
    this.#delay.reset();
    this.#delay.enable();
  }
}
