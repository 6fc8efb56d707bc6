// Items that arrive and callers that wait for them, each in the order they came.
import { onAbort } from "cmsg-native";

interface Waiter<Item> {
  resolve: (item: Item) => void;
  reject: (error: unknown) => void;
  /** Stops listening to the signal of `take`. */
  forgetSignal: (() => void) | undefined;
}

export class AcceptQueue<Item> {
  readonly #waiters: Waiter<Item>[] = [];
  readonly #items: Item[] = [];

  /** Hands the item to the caller that has waited longest, or keeps it until one asks. */
  give(item: Item): void {
    const waiter = this.#waiters.shift();
    if (!waiter) {
      this.#items.push(item);
      return;
    }
    waiter.forgetSignal?.();
    waiter.resolve(item);
  }

  /** Resolves with the oldest item, or the next one; rejects with the signal's reason when that comes first. */
  take(signal?: AbortSignal): Promise<Item> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const item = this.#items.shift();
      if (item !== undefined) return resolve(item);
      const abort = (): void => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(signal?.reason);
      };
      const waiter: Waiter<Item> = { resolve, reject, forgetSignal: signal && onAbort(signal, abort) };
      this.#waiters.push(waiter);
    });
  }

  /** Rejects every waiting caller with `error`. @returns the items that no caller took. */
  end(error: unknown): Item[] {
    for (const waiter of this.#waiters.splice(0)) {
      waiter.forgetSignal?.();
      waiter.reject(error);
    }
    return this.#items.splice(0);
  }
}
