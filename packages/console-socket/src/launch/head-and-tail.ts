// The head and the tail of what a command prints, however much that is.
const HEAD_BYTES = 32 * 1024;
const TAIL_BYTES = 32 * 1024;

export class HeadAndTail {
  #head = Buffer.alloc(0);
  #tail = Buffer.alloc(0);
  #left = 0;

  add(bytes: Buffer): void {
    const head = bytes.subarray(0, HEAD_BYTES - this.#head.length);
    if (head.length > 0) this.#head = Buffer.concat([this.#head, head]);
    const rest = bytes.subarray(head.length);
    if (rest.length === 0) return;
    const tail = Buffer.concat([this.#tail, rest]);
    this.#left += Math.max(0, tail.length - TAIL_BYTES);
    this.#tail = Buffer.from(tail.subarray(Math.max(0, tail.length - TAIL_BYTES)));
  }

  /** With a line in between that says how much is left out. */
  get bytes(): Buffer {
    const gap = this.#left === 0 ? "" : `\n[${this.#left} bytes left out]\n`;
    return Buffer.concat([this.#head, Buffer.from(gap), this.#tail]);
  }
}
