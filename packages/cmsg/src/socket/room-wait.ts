// Attempts that need a descriptor, at the limit of open files: descriptors that are being closed still count, and no event
// tells when there is room.
import { mayFindRoom } from "cmsg-native";
import { WOULD_BLOCK } from "./pending.js";

const CLOSING_MS = 50;

export class RoomWait {
  readonly #goOn: () => void;
  #timer: NodeJS.Timeout | undefined;
  #retried = false;
  #ref = true;

  /** @param goOn is called when the next attempt is in order. */
  constructor(goOn: () => void) {
    this.#goOn = goOn;
  }

  /** Until it is over, an attempt is in vain, and readiness is not to be waited for. */
  get waiting(): boolean {
    return this.#timer !== undefined;
  }

  /** Calls. At the limit, and while descriptors are being closed, the next attempt is a little later; its error counts. */
  attempt<Result>(call: () => Result): Result | typeof WOULD_BLOCK {
    if (this.waiting) return WOULD_BLOCK;
    try {
      const result = call();
      this.#retried = false;
      return result;
    } catch (error) {
      this.#retried = !this.#retried && mayFindRoom(error);
      if (!this.#retried) throw error;
      return this.wait();
    }
  }

  wait(): typeof WOULD_BLOCK {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#goOn();
    }, CLOSING_MS);
    this.setRef(this.#ref);
    return WOULD_BLOCK;
  }

  setRef(ref: boolean): void {
    this.#ref = ref;
    if (ref) this.#timer?.ref();
    else this.#timer?.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
