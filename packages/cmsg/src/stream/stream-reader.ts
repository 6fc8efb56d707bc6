// The receiving half of a UnixStream: messages from the socket to a Readable, each one's descriptors just before its
// bytes.
import { ControlSlot, closeQuietly, control, MSG_CTRUNC, native, scratch } from "cmsg-native";
import { CmsgError } from "../errors.js";
import { closeReceived } from "../fd/owned-fd.js";
import { copyOf } from "../message/message.js";
import { WOULD_BLOCK } from "../socket/pending.js";
import { RoomWait } from "../socket/room-wait.js";

export interface Sink {
  /** Bytes that were delivered and not consumed yet. */
  readonly readableLength: number;
  received(bytes: number): void;
  /** Takes both. False when no more is wanted for now. */
  deliver(data: Buffer, fds: number[]): boolean;
  end(): void;
  /** Descriptors were closed: `ready` is in order. */
  roomAgain(): void;
  fail(error: unknown): void;
}

// In one turn of the event loop; the rest of the loop gets its turn in between.
const MAX_MESSAGES_PER_TURN = 64;
const NO_FDS: number[] = [];

export class StreamReader {
  readonly #socket: number;
  readonly #sink: Sink;
  #wanted = false;
  #ended = false;
  // Came while bytes before it were not consumed yet: 'fds' now would be taken for theirs.
  #held: { data: Buffer; fds: number[] } | undefined;
  readonly #room: RoomWait = new RoomWait(() => this.#sink.roomAgain());

  constructor(socket: number, sink: Sink) {
    this.#socket = socket;
    this.#sink = sink;
  }

  /** Whether the socket's readiness is waited for. */
  get waiting(): boolean {
    return this.#wanted && !this.#ended && this.#held === undefined && !this.#room.waiting;
  }

  get holds(): boolean {
    return this.#held !== undefined;
  }

  want(): void {
    this.#wanted = true;
    this.deliverHeld();
  }

  /** There may be something to read. */
  ready(): void {
    for (let i = 0; i < MAX_MESSAGES_PER_TURN && this.waiting; i++) {
      const received = this.#receive();
      if (received < 0) break;
      this.#take(received);
    }
  }

  #receive(): number {
    try {
      const received = this.#room.attempt(() => native.recvmsg(this.#socket, scratch.length, 0));
      if (received === WOULD_BLOCK) return -1;
      if (received > 0) this.#sink.received(received);
      if (received >= 0 && (control[ControlSlot.flags] as number) & MSG_CTRUNC) throw truncated();
      return received;
    } catch (error) {
      this.#ended = true;
      this.#sink.fail(error);
      return -1;
    }
  }

  setRef(ref: boolean): void {
    this.#room.setRef(ref);
  }

  /** Hands on what was held, once nothing stands before it. */
  deliverHeld(): void {
    if (!this.#held || this.#sink.readableLength > 0) return;
    const { data, fds } = this.#held;
    this.#held = undefined;
    this.#wanted = this.#sink.deliver(data, fds);
  }

  /** Closes what was not handed on. */
  stop(): void {
    this.#ended = true;
    this.#room.stop();
    closeReceived(this.#held?.fds ?? NO_FDS);
    this.#held = undefined;
  }

  #take(received: number): void {
    const fds = takeFds();
    if (received === 0) {
      this.#ended = true;
      this.#sink.end();
      return;
    }
    const data = copyOf(scratch, received);
    if (fds.length > 0 && this.#sink.readableLength > 0) this.#held = { data, fds };
    else this.#wanted = this.#sink.deliver(data, fds);
  }
}

function takeFds(): number[] {
  const pidfd = control[ControlSlot.pidfd] as number;
  // The socket was set up to bring one by whoever made it; there is no place for it here.
  if (pidfd >= 0) closeQuietly(() => native.close(pidfd));
  const count = control[ControlSlot.fdCount] as number;
  if (count === 0) return NO_FDS;
  const fds: number[] = [];
  for (let i = 0; i < count; i++) fds.push(control[ControlSlot.firstFd + i] as number);
  return fds;
}

function truncated(): CmsgError {
  const fds = takeFds();
  closeReceived(fds);
  return new CmsgError(
    "ERR_CMSG_TRUNCATED",
    `The kernel dropped descriptors of a message (MSG_CTRUNC); the ${fds.length} that arrived are closed.`,
  );
}
