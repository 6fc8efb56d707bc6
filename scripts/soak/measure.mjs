// What this process uses, every few seconds.
import { readdirSync, readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { getHeapCodeStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { closed } from "cmsg";

const MIB = 1024 * 1024;
const NS_PER_MS = 1e6;
/** The closer keeps a thread for each of its queues. The others end when they were not needed for two seconds. */
const CLOSERS = 3;
const CLOSER = "cmsg-closer";
const IDLE_MS = 10_000;
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

function threadNames() {
  const name = (thread) => readFileSync(`/proc/self/task/${thread}/comm`, "utf8").trim();
  return readdirSync("/proc/self/task").map(name).sort();
}

/** The names of the threads when nothing is being closed and the closer's idle ones have ended, as they should. */
export async function idleThreads() {
  await closed();
  for (const end = performance.now() + IDLE_MS; ; await delay(100)) {
    const names = threadNames();
    if (names.filter((name) => name === CLOSER).length <= CLOSERS || performance.now() > end) return names;
  }
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
