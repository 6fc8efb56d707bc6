// Operations that wait for a descriptor's readiness, in the order they were asked for.
import { onAbort, throwIfAborted } from "cmsg-native";
import { CmsgError } from "../errors.js";
import { forgotten } from "../fd/forgotten.js";
import { checks } from "../options.js";

/** What an attempt answers when the system call would have to wait. */
export const WOULD_BLOCK: unique symbol = Symbol("would block");

export interface Operation<Result> {
  /** Tries the system call. What it throws ends the operation. */
  attempt(): Result | typeof WOULD_BLOCK;
  /** Called when the operation is over, whatever its end, which it cannot change: it must not throw. */
  finish?(): void;
  /** Called when a signal ends the operation that waits. */
  aborted?(): void;
}

interface Waiter {
  readonly operation: Operation<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Stops listening to the operation's signal. */
  readonly forgetSignal: (() => void) | undefined;
}

// A promise that settles at once keeps the event loop from its turn. A caller that asks again and again, while its peer
// sends without end, is made to wait for readiness after so many.
const MAX_STEPS_PER_TURN = 64;

export class PendingOperations {
  #streak = 0;
  readonly #waiters: Waiter[] = [];
  readonly #onChange: () => void;

  /** @param onChange is called whenever waiting begins or ends. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get waiting(): boolean {
    return this.#waiters.length > 0;
  }

  /** Whether an attempt past the queue is in order. It counts as one that succeeds at once. */
  mayTry(): boolean {
    return !this.waiting && this.#streak++ < MAX_STEPS_PER_TURN;
  }

  /**
   * Tries at once when no operation waits, otherwise queues. What `onChange` throws ends the operation.
   *
   * @throws CmsgError ERR_CMSG_INVALID_ARG: `signal` is no AbortSignal
   */
  run<Result>(asked: Operation<Result>, signal?: AbortSignal): Promise<Result> {
    const operation = forgotten ? { ...asked, attempt: forgotten.askedHere(() => asked.attempt()) } : asked;
    return new Promise((resolve, reject) => {
      try {
        checks.abortSignal(signal);
        throwIfAborted(signal);
        const result = this.mayTry() ? operation.attempt() : WOULD_BLOCK;
        if (result === WOULD_BLOCK) return this.#queue(operation, resolve as never, reject, signal);
        operation.finish?.();
        resolve(result);
      } catch (error) {
        operation.finish?.();
        reject(error);
      }
    });
  }

  /** The descriptor is ready: goes on until the head has to wait again. */
  ready(): void {
    this.#streak = 0;
    for (let steps = 0; steps < MAX_STEPS_PER_TURN; steps++) {
      const waiter = this.#waiters[0];
      if (!waiter) break;
      try {
        const result = waiter.operation.attempt();
        if (result === WOULD_BLOCK) break;
        this.#end(waiter, () => waiter.resolve(result));
      } catch (error) {
        this.#end(waiter, () => waiter.reject(error));
      }
    }
    this.#changed();
  }

  /** Ends every waiting operation with `error`. */
  failAll(error: unknown): void {
    this.#rejectAll(error);
    this.#changed();
  }

  #queue(
    operation: Operation<unknown>,
    resolve: Waiter["resolve"],
    reject: Waiter["reject"],
    signal: AbortSignal | undefined,
  ): void {
    const abort = (): void => {
      this.#end(waiter, () => waiter.reject(signal?.reason));
      waiter.operation.aborted?.();
      this.#changed();
    };
    // Every member by name: V8 made a spread several times as slow, and such objects outlived a young collection.
    const waiter: Waiter = { operation, resolve, reject, forgetSignal: signal && onAbort(signal, abort) };
    this.#waiters.push(waiter);
    this.#changed();
  }

  #rejectAll(error: unknown): void {
    for (const waiter of [...this.#waiters]) this.#end(waiter, () => waiter.reject(error));
  }

  // Out of the queue before any callback: one may close the socket, which fails all waiters that are left.
  #end(waiter: Waiter, settle: () => void): void {
    const index = this.#waiters.indexOf(waiter);
    if (index < 0) return;
    this.#waiters.splice(index, 1);
    waiter.forgetSignal?.();
    waiter.operation.finish?.();
    settle();
  }

  // Waiting for readiness can fail (ENOSPC: this user's limit of watches, epoll(7)): nothing would wake the waiters.
  #changed(): void {
    try {
      this.#onChange();
    } catch (error) {
      this.#rejectAll(error);
    }
  }
}

export function closedError(what: string): CmsgError {
  return new CmsgError("ERR_CMSG_CLOSED", `This ${what} is closed.`);
}
