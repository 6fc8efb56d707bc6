// The sending half of a UnixStream: bytes in order, descriptors once and with the first byte of theirs, waiting for room.
import { native } from "cmsg-native";
import { isSyscallError } from "../errors.js";
import { discardAll, duplicates, type Fd, type OwnedFd } from "../fd/owned-fd.js";
import { putRights } from "../message/message.js";

// Too many descriptors are on their way (unix(7), ETOOMANYREFS), on whatever socket of this user: the kernel tells
// nobody when some were received.
const IN_FLIGHT_RETRY_MS = 10;
// Small writes that were queued together leave in one call.
const MAX_JOINED_BYTES = 65536;

type Done = (error?: Error | null) => void;

export class StreamWriter {
  #socket = -1;
  readonly #onChange: () => void;
  readonly #onSent: (bytes: number) => void;
  // Copies of the descriptors that wait for their chunk to be sent.
  readonly #rights: Map<Uint8Array, OwnedFd[]> = new Map();
  #chunks: Uint8Array[] = [];
  #next = 0;
  #offset = 0;
  #done: Done | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ref = true;

  constructor(onChange: () => void, onSent: (bytes: number) => void) {
    this.#onChange = onChange;
    this.#onSent = onSent;
  }

  /** Descriptors can be attached before. */
  open(socket: number): void {
    this.#socket = socket;
  }

  /** Whether the socket's room is waited for. */
  get waiting(): boolean {
    return this.#done !== undefined && this.#timer === undefined;
  }

  /** Copies `fds` until `chunk`, this very object, is sent. */
  attach(chunk: Uint8Array, fds: readonly Fd[]): void {
    this.#rights.set(chunk, duplicates(fds));
  }

  /** One attempt past the queue, which is the caller's to know empty: the number of bytes sent. */
  sendNow(data: Uint8Array, fds: readonly Fd[]): number {
    try {
      return this.#count(native.sendmsg(this.#socket, data, 0, putRights(fds)));
    } catch (error) {
      if (isSyscallError(error, "ETOOMANYREFS")) return 0;
      throw error;
    }
  }

  /** Sends all, then calls back, at once or later. */
  start(chunks: Uint8Array[], done: Done): void {
    this.#chunks = this.#rights.size === 0 && chunks.length > 1 ? joined(chunks) : chunks;
    this.#next = 0;
    this.#offset = 0;
    this.#done = done;
    this.ready();
  }

  /** There may be room now. */
  ready(): void {
    if (!this.waiting) return;
    let failure: Error | null = null;
    try {
      if (!this.#send()) {
        this.#onChange();
        return;
      }
    } catch (error) {
      failure = error as Error;
    }
    if (isSyscallError(failure, "ETOOMANYREFS")) this.#retryLater();
    else this.#finish(failure);
  }

  setRef(ref: boolean): void {
    this.#ref = ref;
    if (ref) this.#timer?.ref();
    else this.#timer?.unref();
  }

  /** Closes what was not sent. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#done = undefined;
    for (const copies of this.#rights.values()) discardAll(copies);
    this.#rights.clear();
  }

  /** False when it has to wait. */
  #send(): boolean {
    for (; this.#next < this.#chunks.length; this.#next++) {
      const chunk = this.#chunks[this.#next] as Uint8Array;
      while (this.#offset < chunk.length) {
        const copies = this.#offset === 0 && this.#rights.size > 0 ? this.#rights.get(chunk) : undefined;
        const sent = native.sendmsg(this.#socket, chunk, this.#offset, copies ? putRights(copies) : 0);
        if (sent < 0) return false;
        // They travelled with the first byte; a second time would be a second set.
        if (copies) this.#forget(chunk, copies);
        this.#offset += this.#count(sent);
      }
      this.#offset = 0;
    }
    return true;
  }

  #count(sent: number): number {
    if (sent <= 0) return 0;
    this.#onSent(sent);
    return sent;
  }

  #forget(chunk: Uint8Array, copies: OwnedFd[]): void {
    this.#rights.delete(chunk);
    discardAll(copies);
  }

  #finish(error: Error | null): void {
    const done = this.#done;
    this.#done = undefined;
    this.#chunks = [];
    this.#onChange();
    done?.(error);
  }

  #retryLater(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.ready();
    }, IN_FLIGHT_RETRY_MS);
    this.setRef(this.#ref);
    this.#onChange();
  }
}

function joined(chunks: Uint8Array[]): Uint8Array[] {
  const result: Uint8Array[] = [];
  let group: Uint8Array[] = [];
  let length = 0;
  const flush = (): void => {
    if (group.length > 0) result.push(group.length === 1 ? (group[0] as Uint8Array) : Buffer.concat(group, length));
    group = [];
    length = 0;
  };
  for (const chunk of chunks) {
    if (length + chunk.length > MAX_JOINED_BYTES) flush();
    group.push(chunk);
    length += chunk.length;
  }
  flush();
  return result;
}
