// Sends of one socket, in the order they were asked for, waiting for room.
import { type Credentials, native, SO_SNDBUF } from "cmsg-native";
import { type UnixAddress, withSocketName } from "../address/unix-address.js";
import { discardAll, duplicates, type Fd } from "../fd/owned-fd.js";
import { checkCount, putCredentials, putName, putRights } from "../message/message.js";
import { checks } from "../options.js";
import { DatagramRoom } from "./datagram-room.js";
import { type Operation, PendingOperations, WOULD_BLOCK } from "./pending.js";

export interface SendOptions {
  /** SCM_CREDENTIALS: EPERM unless they are this process's own, or it may claim others. */
  credentials?: Credentials | undefined;
  signal?: AbortSignal | undefined;
}

type Attempt = (rights: readonly Fd[]) => undefined | typeof WOULD_BLOCK;

export class Sender {
  readonly #socket: number;
  readonly #sends: PendingOperations;
  // Apart from the others: they wait for another socket's queue too, which our own readiness does not tell of.
  readonly #sendTos: PendingOperations = new PendingOperations(() => this.#waitForRoom());
  readonly #room: DatagramRoom = new DatagramRoom(() => this.#sendTos.ready());
  readonly #onChange: () => void;
  // Whose queue is full; undefined when it is our own buffer that has no room, or nothing was found full.
  #full: UnixAddress | undefined;

  /** @param onChange is told whenever waiting for the socket's own room begins or ends. */
  constructor(socket: number, onChange: () => void) {
    this.#socket = socket;
    this.#onChange = onChange;
    this.#sends = new PendingOperations(onChange);
  }

  /** Whether the socket's own room is waited for. */
  get waiting(): boolean {
    return this.#sends.waiting || this.#waitsForOwnRoom;
  }

  /** There may be room now. */
  ready(): void {
    this.#sends.ready();
    if (this.#waitsForOwnRoom) this.#sendTos.ready();
  }

  get #waitsForOwnRoom(): boolean {
    return this.#sendTos.waiting && this.#full === undefined;
  }

  /** @param onCut is called when a signal ends it with a part on its way. */
  send(data: Uint8Array, fds: readonly Fd[], options: SendOptions, onCut: () => void): undefined | Promise<undefined> {
    let offset = 0;
    const attempt: Attempt = (rights) => {
      do {
        // They travel with the first byte; a second time would be a second set.
        const sent = this.#sendmsg(data, offset, offset === 0 ? rights : [], options.credentials, 0);
        if (sent < 0) return WOULD_BLOCK;
        offset += sent;
      } while (offset < data.length);
      return undefined;
    };
    const aborted = (): void => {
      if (offset > 0) onCut();
    };
    return run(this.#sends, attempt, () => (offset === 0 ? fds : []), options.signal, { aborted });
  }

  sendTo(
    data: Uint8Array,
    address: UnixAddress,
    fds: readonly Fd[],
    options: SendOptions,
  ): undefined | Promise<undefined> {
    const attempt: Attempt = (rights) =>
      withSocketName(address, (sunPath) => {
        const sent = this.#sendmsg(data, 0, rights, options.credentials, putName(sunPath));
        this.#full = sent >= 0 || this.#isOwnBufferFull() ? undefined : address;
        return sent >= 0 ? undefined : WOULD_BLOCK;
      });
    return run(this.#sendTos, attempt, () => fds, options.signal);
  }

  setRef(ref: boolean): void {
    this.#room.setRef(ref);
  }

  /** No system call is made from now on. */
  stop(): void {
    this.#room.stop();
  }

  /** Ends what waits. */
  failAll(error: unknown): void {
    this.#sends.failAll(error);
    this.#sendTos.failAll(error);
  }

  #sendmsg(
    data: Uint8Array,
    offset: number,
    rights: readonly Fd[],
    credentials: Credentials | undefined,
    nameLength: number,
  ): number {
    const count = putRights(rights);
    if (credentials) putCredentials(credentials);
    return native.sendmsg(this.#socket, data, offset, count, credentials !== undefined, nameLength);
  }

  #waitForRoom(): void {
    if (!this.#sendTos.waiting || this.#full === undefined) {
      this.#room.stop();
    } else {
      try {
        this.#room.wait(this.#full);
      } catch (error) {
        // Nothing tells when there is room, so the next attempt would find the same.
        this.#sendTos.failAll(error);
      }
    }
    this.#onChange();
  }

  // EAGAIN does not say which of the two has no room. This is what sendmsg(2) compares; EPOLLOUT waits for three
  // quarters of the buffer to be free, so it cannot tell.
  #isOwnBufferFull(): boolean {
    return native.getSendQueue(this.#socket) >= native.getSocketOption(this.#socket, SO_SNDBUF);
  }
}

/** At once when nobody waits; else with copies of the descriptors, since the caller may close its own. */
function run(
  queue: PendingOperations,
  attempt: Attempt,
  unsent: () => readonly Fd[],
  signal: AbortSignal | undefined,
  hooks: Pick<Operation<undefined>, "aborted"> = {},
): undefined | Promise<undefined> {
  checks.abortSignal(signal);
  if (!signal?.aborted && queue.mayTry() && attempt(unsent()) !== WOULD_BLOCK) return undefined;
  const fds = unsent();
  checkCount(fds);
  const copies = duplicates(fds);
  return queue.run({ attempt: () => attempt(copies), finish: () => discardAll(copies), ...hooks }, signal);
}
