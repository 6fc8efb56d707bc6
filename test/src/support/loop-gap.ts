// For how long the event loop has been held up.
import { setTimeout as delay } from "node:timers/promises";

export class LoopGap {
  #last = performance.now();
  #worst = 0;
  readonly #timer = setInterval(() => this.#note(), 10);

  #note(): void {
    const now = performance.now();
    this.#worst = Math.max(this.#worst, now - this.#last);
    this.#last = now;
  }

  /** The longest time without a turn since it was made, in milliseconds. */
  async end(): Promise<number> {
    // What was asked for last has its turn.
    await delay(50);
    this.#note();
    clearInterval(this.#timer);
    return this.#worst;
  }
}
