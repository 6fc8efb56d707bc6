// A file descriptor with one owner.
import { closeSync } from "node:fs";
import { inspect } from "node:util";
import { isMainThread } from "node:worker_threads";
import { ControlSlot, closeQuietly, control, native, recognizeCopies, SCM_MAX_FD } from "cmsg-native";
import { CmsgError } from "../errors.js";
// Tells of closes that hang.
import "./closing.js";
import { forgotten, type Origin } from "./forgotten.js";

/** A descriptor by its number or by its owner. What takes one says whether it *takes* or *borrows* it. */
export type Fd = number | OwnedFd;

export interface OwnedFdOptions {
  /**
   * Close it on another thread, because another process had a hand in it and can make close(2) wait: a file of a FUSE mount
   * whose daemon is silent, a Unix socket in whose queue a lingering TCP socket lies. `close()` then returns at once and
   * reports no error of close(2). True of every descriptor that this package received.
   */
  untrusted?: boolean;
}

/** What recvmsg gives: owned by the environment already, and a number for certain. */
export const RECEIVED: OwnedFdOptions = { untrusted: true };

// A Worker of Node.js notes each number that its fs opened, and closes it once more when it ends, unless fs closed it. So a
// number from elsewhere is closed by fs there. Of one that fs did not open, fs warns; those that were given away with
// release() are known here, and are closed without it.
const released = new Set<number>();
const STDERR = 2;

/**
 * A file descriptor that is closed once, by its owner: by `close()`, by `using`, or by the end of the environment (the
 * process, or the Worker it belongs to). Garbage collection never closes one; with NODE_DEBUG=cmsg it reports one that
 * was forgotten.
 *
 *     using file = new OwnedFd(openSync("/etc/hostname", "r"));
 *     await socket.send(Buffer.from("hostname"), [file]);
 */
export class OwnedFd implements Disposable {
  #fd: number;
  readonly #untrusted: boolean;
  readonly #closedByFs: boolean;
  readonly #origin: Origin | undefined;

  /**
   * Takes `fd`.
   *
   * @throws CmsgError ERR_CMSG_INVALID_ARG when `fd` is not a descriptor's number; EBADF when it is not open.
   */
  constructor(fd: number, options?: OwnedFdOptions) {
    const made = options === RECEIVED || native.adopt(checkFd(fd), options?.untrusted === true);
    this.#closedByFs = !isMainThread && !made && !released.delete(fd) && fd > STDERR;
    this.#fd = fd;
    this.#untrusted = options?.untrusted === true;
    this.#origin = forgotten?.track(this, fd);
  }

  /**
   * The number, borrowed: it is good until this owner closes it.
   *
   * @throws CmsgError ERR_CMSG_CLOSED after `close()` or `release()`.
   */
  get fd(): number {
    if (this.#fd < 0) {
      throw new CmsgError("ERR_CMSG_CLOSED", "This descriptor was closed, or given away with release().");
    }
    return this.#fd;
  }

  /** Whether it was closed or given away. */
  get closed(): boolean {
    return this.#fd < 0;
  }

  /**
   * close(2). A second call does nothing. 0, 1 and 2 are replaced by /dev/null (dup2), so that no file that is opened later
   * becomes a standard stream. An `untrusted` descriptor is closed on a thread: it is still open when this returns
   * (`closed()` waits for that), and nothing is thrown.
   */
  close(): void {
    const fd = this.#fd;
    if (fd < 0) return;
    this.#forget();
    if (this.#untrusted) {
      control[ControlSlot.firstFd] = fd;
      native.closeReceived(1);
    } else if (this.#closedByFs) {
      if (native.isUntrusted(fd)) closeCopyFirst(fd);
      native.disown(fd);
      closeSync(fd);
    } else {
      native.close(fd);
    }
  }

  /**
   * Gives the descriptor to the caller, who closes it from now on.
   *
   * @throws CmsgError ERR_CMSG_CLOSED
   */
  release(): number {
    const fd = this.fd;
    this.#forget();
    native.disown(fd);
    if (!isMainThread && !this.#closedByFs) released.add(fd);
    return fd;
  }

  /**
   * A second descriptor of the same open file description, close-on-exec: fcntl(2) F_DUPFD_CLOEXEC.
   *
   * @throws CmsgError ERR_CMSG_CLOSED; EMFILE.
   */
  dup(): OwnedFd {
    return new OwnedFd(native.dup(this.fd), { untrusted: this.#untrusted });
  }

  /**
   * @internal For `closeAll`, which closes what was received in batches.
   *
   * @returns the number, which the caller passes to `closeReceived`; -1 when it was not received, or is closed, or is owned
   * by another copy of this package, which alone can close it.
   */
  static giveUpReceived(owner: OwnedFd): number {
    const fd = #fd in owner && owner.#untrusted ? owner.#fd : -1;
    if (fd >= 0) owner.#forget();
    return fd;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #forget(): void {
    this.#fd = -1;
    if (this.#origin) forgotten?.release(this.#origin);
  }
}
recognizeCopies(OwnedFd, "cmsg.OwnedFd");

/** The number of a borrowed descriptor. */
export function numberOf(fd: Fd): number {
  return checkFd(typeof fd === "number" ? fd : fd?.fd);
}

/** Takes `fd` for what `use` makes. When that throws, it is the caller's again. */
export function taking<Result>(fd: Fd, use: (owner: OwnedFd) => Result): Result {
  if (typeof fd !== "number") return use(fd);
  const owner = new OwnedFd(fd);
  try {
    return use(owner);
  } catch (error) {
    owner.release();
    throw error;
  }
}

/** Copies of borrowed descriptors, all or none. */
export function duplicates(fds: readonly Fd[]): OwnedFd[] {
  const copies: OwnedFd[] = [];
  try {
    // Whatever a number leads to: a copy of what was received is as dangerous to close.
    for (const fd of fds) copies.push(new OwnedFd(native.dup(numberOf(fd), true), RECEIVED));
    return copies;
  } catch (error) {
    discardAll(copies);
    throw error;
  }
}

/** Closes all, also when one close(2) fails, and empties the array. Throws the first failure. */
export function closeAll(fds: OwnedFd[]): void {
  if (fds.length <= 1) {
    fds.pop()?.close();
    return;
  }
  const received: number[] = [];
  const failures: unknown[] = [];
  for (const fd of fds) {
    try {
      const number = OwnedFd.giveUpReceived(fd);
      if (number >= 0) received.push(number);
      else fd.close();
    } catch (error) {
      failures.push(error);
    }
  }
  fds.length = 0;
  closeReceived(received);
  if (failures.length > 0) throw failures[0];
}

/** As `closeAll`, of copies that an operation has used: an error of close(2) is not that operation's. */
export function discardAll(fds: OwnedFd[]): void {
  closeQuietly(() => closeAll(fds));
}

/** Closes descriptors that were received, as many in one call as a message can bring. */
export function closeReceived(fds: readonly number[]): void {
  for (let first = 0; first < fds.length; first += SCM_MAX_FD) {
    const count = Math.min(fds.length - first, SCM_MAX_FD);
    for (let i = 0; i < count; i++) control[ControlSlot.firstFd + i] = fds[first + i] as number;
    native.closeReceived(count);
  }
}

// Node.js forgets a number only when its fs closes it, at once. With a copy being closed on a thread that is not the last
// close of the file, so it hangs up no terminal. Without a free number it is.
function closeCopyFirst(fd: number): void {
  closeQuietly(() => native.close(native.dup(fd)));
}

function checkFd(fd: number): number {
  if (Number.isInteger(fd) && fd >= 0 && fd <= 0x7fffffff) return fd;
  throw new CmsgError("ERR_CMSG_INVALID_ARG", `A file descriptor is an integer from 0 on; this is ${inspect(fd)}.`);
}
