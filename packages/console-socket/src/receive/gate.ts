// A limit on what is under way at once.

/** Counts what has entered and not left, and makes the next one wait while that is the maximum. */
export class Gate {
  readonly #max: number;
  #inside = 0;
  #wake: (() => void) | undefined;

  constructor(max: number) {
    this.#max = max;
  }

  /** Resolves when one more may enter. For one caller at a time. */
  async untilOpen(): Promise<void> {
    if (this.#inside < this.#max) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  enter(): void {
    this.#inside++;
  }

  leave(): void {
    this.#inside--;
    this.#wake?.();
    this.#wake = undefined;
  }
}
