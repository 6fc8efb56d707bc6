// Operations that wait for a descriptor's readiness, in the order they were asked for.
import { CmsgError } from "../errors.js";
import { forgotten } from "../fd/forgotten.js";
import { checks } from "../options.js";

/** What an attempt answers when the system call would have to wait. */
export const WOULD_BLOCK: unique symbol = Symbol("would block");

export interface Operation<Result> {
  /** Tries the system call. What it throws ends the operation. */
  attempt(): Result | typeof WOULD_BLOCK;
  /** Called once when the operation is over, whatever its end. */
  finish?(): void;
  /** Called when a signal ends the operation that waits. */
  aborted?(): void;
}

interface Waiter {
  /** True when the operation is over. */
  step(): boolean;
  fail(error: unknown): void;
}

// A promise that settles at once keeps the event loop from its turn: whoever asks again and again, while a peer goes on
// and on, is made to wait for readiness after so many.
const STEPS_PER_TURN = 64;

export class PendingOperations {
  #streak = 0;
  readonly #waiters: Waiter[] = [];
  readonly #onChange: () => void;

  /** @param onChange is told whenever waiting begins or ends. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get waiting(): boolean {
    return this.#waiters.length > 0;
  }

  /** Whether an attempt past the queue is in order. It counts as one that succeeds at once. */
  mayTry(): boolean {
    return !this.waiting && this.#streak++ < STEPS_PER_TURN;
  }

  /**
   * Tries at once when nobody waits, else queues. What `onChange` throws ends the operation.
   *
   * @throws CmsgError ERR_CMSG_INVALID_ARG: no signal
   */
  run<Result>(operation: Operation<Result>, signal?: AbortSignal): Promise<Result> {
    checks.abortSignal(signal);
    const attempt = forgotten ? forgotten.askedHere(() => operation.attempt()) : undefined;
    return new Promise((resolve, reject) => {
      // Leaves the queue before anything else hears of it: what is told may close the socket, which fails all the rest.
      const end = (settle: () => void): void => {
        const index = this.#waiters.indexOf(waiter);
        if (index >= 0) this.#waiters.splice(index, 1);
        signal?.removeEventListener("abort", onAbort);
        operation.finish?.();
        settle();
      };
      const waiter: Waiter = {
        step() {
          try {
            const result = attempt ? attempt() : operation.attempt();
            if (result === WOULD_BLOCK) return false;
            end(() => resolve(result));
          } catch (error) {
            end(() => reject(error));
          }
          return true;
        },
        fail(error) {
          end(() => reject(error));
        },
      };
      const onAbort = (): void => {
        waiter.fail(signal?.reason);
        operation.aborted?.();
        this.#changed();
      };
      if (signal?.aborted) return waiter.fail(signal.reason);
      if (this.mayTry() && waiter.step()) return;
      signal?.addEventListener("abort", onAbort);
      this.#waiters.push(waiter);
      this.#changed();
    });
  }

  /** The descriptor is ready: goes on until the head has to wait again. */
  ready(): void {
    this.#streak = 0;
    for (let steps = 0; steps < STEPS_PER_TURN && this.#waiters[0]?.step(); steps++);
    this.#changed();
  }

  /** Ends every waiting operation with `error`. */
  failAll(error: unknown): void {
    for (const waiter of [...this.#waiters]) waiter.fail(error);
    this.#changed();
  }

  // Readiness cannot be asked for (ENOSPC: this user's limit of watches, epoll(7)): nothing would wake those who wait.
  #changed(): void {
    try {
      this.#onChange();
    } catch (error) {
      for (const waiter of [...this.#waiters]) waiter.fail(error);
    }
  }
}

export function closedError(what: string): CmsgError {
  return new CmsgError("ERR_CMSG_CLOSED", `This ${what} is closed.`);
}
