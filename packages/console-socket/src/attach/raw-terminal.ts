// A person's terminal in raw mode, and back again: when disposed, and at the process's 'exit' event, which process.exit()
// and an uncaught error raise too. No signal raises it. Node itself restores descriptors 0, 1 and 2 on SIGINT and SIGTERM;
// on SIGHUP, SIGQUIT and SIGTSTP nobody does, unless the program handles them and calls `restore`.
import { native } from "cmsg-native";

export class RawTerminal implements Disposable {
  readonly #fd: number;
  readonly #saved: Uint8Array;
  #disposed = false;
  readonly #onExit = (): void => this.restore();

  /** @internal It stays as it is until `enter`. @param fd a terminal, borrowed; ENOTTY from anything else. */
  constructor(fd: number) {
    this.#fd = fd;
    this.#saved = native.getTerminalSettings(fd);
    process.on("exit", this.#onExit);
  }

  /** Raw; also again, after `restore`. Not once it was given back for good. */
  enter(): void {
    if (!this.#disposed) native.makeRaw(this.#fd);
  }

  /** As it was. */
  restore(): void {
    try {
      native.setTerminalSettings(this.#fd, this.#saved);
    } catch {
      // EIO: the terminal is gone, and its settings with it.
    }
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    process.off("exit", this.#onExit);
    this.restore();
  }
}
