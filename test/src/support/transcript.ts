// What a console showed so far, and waiting for what it shows next.
import type { Readable } from "node:stream";
import { showOnFailure } from "./show-on-failure.js";

export class Transcript {
  text = "";
  /** Resolves with everything when the stream has ended; rejects when it fails. */
  readonly ended: Promise<string>;
  #over = false;
  #changed = new Set<() => void>();

  /** A test that fails while it has a transcript shows the text. */
  constructor(stream: Readable) {
    showOnFailure("a console", () => this.text);
    this.ended = new Promise((resolve, reject) => {
      stream
        .on("data", (bytes: Buffer) => {
          this.text += bytes.toString("latin1");
          this.#look();
        })
        .once("error", reject)
        .once("close", () => {
          this.#over = true;
          this.#look();
          resolve(this.text);
        });
    });
    this.ended.catch(() => {}); // only who asks for it wants to know
  }

  #look() {
    for (const look of this.#changed) look();
  }

  /** The first match of `pattern`; rejects when the stream closes without it, or at the deadline. */
  async shows(pattern: RegExp, timeoutMs = 15_000): Promise<RegExpMatchArray> {
    let look = () => {};
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        const fail = (why: string) => reject(new Error(`${why} without ${pattern}: ${JSON.stringify(this.text)}`));
        look = () => {
          const match = this.text.match(pattern);
          if (match) resolve(match);
          else if (this.#over) fail("it closed");
        };
        timer = setTimeout(() => fail(`${timeoutMs} ms passed`), timeoutMs);
        this.#changed.add(look);
        look();
      });
    } finally {
      clearTimeout(timer);
      this.#changed.delete(look);
    }
  }
}
