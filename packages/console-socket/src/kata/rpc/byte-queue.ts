/** Bytes as they arrive, taken as they are needed: nothing is copied that came in one piece. */
export class ByteQueue {
  #chunks: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** The next `count` bytes, or fewer where fewer are there. */
  take(count: number): Buffer {
    const [first] = this.#chunks;
    if (first === undefined || count === 0) return Buffer.alloc(0);
    if (first.length < count && this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    const whole = this.#chunks[0] as Buffer;
    const taken = whole.subarray(0, count);
    if (taken.length === whole.length) this.#chunks.shift();
    else this.#chunks[0] = whole.subarray(count);
    this.#length -= taken.length;
    return taken;
  }
}
