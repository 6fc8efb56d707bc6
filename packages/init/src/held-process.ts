// The processes of spawnConsole() by their handles: a number can be another process's once Node.js or unshare has reaped.
import { readFileSync } from "node:fs";
import { ProcessHandle } from "cmsg/process";

// What Number() makes of an empty list of children.
const NONE = 0;
const UNKNOWN = -1;

export class HeldProcess {
  /** undefined when it had ended before it could be held. */
  readonly pid: number | undefined;
  readonly #handle: ProcessHandle | undefined;
  // Only kill() needs the handle, so what is missing for it is told there.
  #failure: unknown;

  private constructor(pid?: number, handle?: ProcessHandle, failure?: unknown) {
    this.pid = pid;
    this.#handle = handle;
    this.#failure = failure;
  }

  /** @param pid of a process that is not reaped yet; undefined for none */
  static of(pid: number | undefined): HeldProcess {
    if (pid === undefined) return new HeldProcess();
    try {
      return new HeldProcess(pid, ProcessHandle.open(pid));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESRCH") return new HeldProcess();
      return new HeldProcess(pid, undefined, error);
    }
  }

  /** @throws as `kill` */
  get handle(): ProcessHandle {
    if (this.#handle) return this.#handle;
    throw this.#failure ?? Object.assign(new Error("It had ended before it could be held."), { code: "ESRCH" });
  }

  /** The child of this one, which is unshare, bwrap or nsenter: each starts one. undefined when /proc does not tell. */
  holdOnlyChild(): HeldProcess | undefined {
    const pid = this.#onlyChild();
    if (pid === UNKNOWN) return undefined;
    if (pid === NONE) return new HeldProcess();
    if (this.#failure !== undefined) return new HeldProcess(pid, undefined, this.#failure);
    const child = HeldProcess.of(pid);
    let isStill = false;
    try {
      // Only its parent frees the number, and has it among its children until then.
      isStill = this.#onlyChild() === pid && this.kill(0);
    } finally {
      if (!isStill) child.close();
    }
    return isStill ? child : new HeldProcess();
  }

  /**
   * @returns false when it has ended
   * @throws CmsgError ERR_CMSG_UNSUPPORTED; EMFILE …, where there was no handle to be had; EPERM
   */
  kill(signal: number): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#handle?.kill(signal) ?? false;
  }

  /** The process has ended. */
  close(): void {
    this.#failure = undefined;
    this.#handle?.close();
  }

  #onlyChild(): number {
    try {
      return Number(readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, "latin1").split(" ")[0]);
    } catch {
      return UNKNOWN;
    }
  }
}
