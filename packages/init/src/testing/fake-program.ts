// The program on a fake runtime's terminal: what it says and what it hears, played by a test.
import type { OwnedFd } from "cmsg";
import { native, PtyResult, type PtyStream } from "cmsg-native";
import type { WindowSize } from "../window-size.js";

const CHUNK = 4096;

/** The terminal's side of a console that was sent. */
export class FakeProgram implements Disposable {
  readonly #peer: OwnedFd | undefined;
  readonly #stream: PtyStream | undefined;
  readonly #onExit: () => void;
  #wake: () => void = () => {};
  #changed: Promise<void> = Promise.resolve();
  #exited = false;

  /** @internal */
  constructor(peer: OwnedFd | undefined, onExit: () => void) {
    this.#peer = peer;
    this.#onExit = onExit;
    this.#arm();
    if (!peer) return;
    this.#stream = new native.PtyStream(peer.fd, () => {
      this.#wake();
      this.#arm();
    });
    this.#stream.resume();
    // A forgotten program is no reason to stay alive.
    this.#stream.setRef(false);
  }

  /** What the receiver made of the window size; undefined of a ghost. */
  get size(): WindowSize | undefined {
    return this.#peer && native.getWindowSize(this.#peer.fd);
  }

  /** Says something, waiting while the receiver does not read. False when the receiver has hung up. */
  async write(text: string | Uint8Array): Promise<boolean> {
    let rest = typeof text === "string" ? Buffer.from(text) : text;
    while (rest.length > 0 && !this.#exited) {
      const changed = this.#changed;
      const written = this.#stream?.write(rest) ?? PtyResult.hungUp;
      if (written === PtyResult.hungUp) return false;
      if (written > 0) rest = rest.subarray(written);
      else await this.#waiting(changed);
    }
    return !this.#exited;
  }

  /** What was typed, up to and with the first match of `pattern`; or all of it when the receiver has hung up. */
  async read(pattern: RegExp): Promise<string> {
    const buffer = new Uint8Array(CHUNK);
    let typed = "";
    while (!pattern.test(typed) && !this.#exited) {
      const changed = this.#changed;
      const length = this.#stream?.read(buffer) ?? PtyResult.hungUp;
      if (length === PtyResult.hungUp) break;
      if (length > 0) typed += Buffer.from(buffer.subarray(0, length)).toString();
      else await this.#waiting(changed);
    }
    return typed;
  }

  /** Ends: the receiver's console ends too. A second call does nothing. */
  exit(): void {
    if (this.#exited) return;
    this.#exited = true;
    this.#stream?.close();
    this.#peer?.close();
    this.#onExit();
    this.#wake();
  }

  [Symbol.dispose](): void {
    this.exit();
  }

  #arm(): void {
    this.#changed = new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  // Only who waits keeps the process alive.
  async #waiting(changed: Promise<void>): Promise<void> {
    this.#stream?.setRef(true);
    await changed;
    if (!this.#exited) this.#stream?.setRef(false);
  }
}
