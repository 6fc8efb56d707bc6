// Things that arrive and those who wait for them, each in the order they came.

import { onAbort } from "cmsg-native";

interface Waiter<Item> {
  resolve: (item: Item) => void;
  reject: (error: unknown) => void;
}

export class AcceptQueue<Item> {
  readonly #waiters: Waiter<Item>[] = [];
  readonly #items: Item[] = [];

  /** To who has waited longest, else kept. */
  give(item: Item): void {
    const waiter = this.#waiters.shift();
    if (waiter) waiter.resolve(item);
    else this.#items.push(item);
  }

  /** The item that has waited longest, or the next one; the signal's reason when that comes first. */
  take(signal?: AbortSignal): Promise<Item> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const item = this.#items.shift();
      if (item !== undefined) return resolve(item);
      const abort = (): void => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(signal?.reason);
      };
      const settling =
        <Value>(settle: (value: Value) => void) =>
        (value: Value): void => {
          stopWaiting?.();
          settle(value);
        };
      const waiter: Waiter<Item> = { resolve: settling(resolve), reject: settling(reject) };
      const stopWaiting = signal && onAbort(signal, abort);
      this.#waiters.push(waiter);
    });
  }

  /** Turns everybody away, and gives back what nobody took. */
  end(error: unknown): Item[] {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
    return this.#items.splice(0);
  }
}
