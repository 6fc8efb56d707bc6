// Waiting for a signal to abort. A service hands one signal to many operations at once. A listener for each would make
// Node.js print MaxListenersExceededWarning from the eleventh on, so a signal has one listener for all of them.
import { callApart } from "./call-apart.js";

class Waiting {
  readonly #signal: AbortSignal;
  readonly #callbacks: Set<() => void> = new Set();
  // One that is stopped by an earlier one is not called.
  readonly #onAbort = (): void => {
    this.#signal.removeEventListener("abort", this.#onAbort);
    for (const callback of this.#callbacks) {
      this.#callbacks.delete(callback);
      // As EventTarget does it: the other callbacks run.
      callApart(callback);
    }
  };

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(callback: () => void): () => void {
    // An object of its own for each call: two operations may share a function.
    const own = (): void => callback();
    if (this.#callbacks.size === 0) this.#signal.addEventListener("abort", this.#onAbort);
    this.#callbacks.add(own);
    return () => {
      if (this.#callbacks.delete(own) && this.#callbacks.size === 0)
        this.#signal.removeEventListener("abort", this.#onAbort);
    };
  }
}

const waitings = new WeakMap<AbortSignal, Waiting>();

/**
 * Calls `callback` once when `signal` aborts, unless it is stopped before. Callbacks run in the order in which they came.
 *
 * @param signal one that has not aborted
 * @returns a function that stops the waiting. After the last one the signal has no listener left.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let waiting = waitings.get(signal);
  if (!waiting) {
    waiting = new Waiting(signal);
    waitings.set(signal, waiting);
  }
  return waiting.add(callback);
}

/** Throws the reason of a signal that has aborted. Signals of other libraries lack the method of that name. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason;
}
