// The connection with a keeper's reader, which has the console's master: bytes each way, and what they cost.
import { Socket } from "node:net";
import {
  AttachFlags,
  FromKeeper,
  KEEPER_INPUT_CREDIT,
  KEEPER_MAX_PAYLOAD,
  KEEPER_VERSION,
  ToKeeper,
} from "cmsg-native/keeper-protocol";
import type { WindowSize } from "../console/window-size.js";
import { get32, get64, hasNoReaper, hello, put32, RecordReader, record } from "./keeper-records.js";

// Reading of the terminal stops while that much is not acknowledged.
const WINDOW_BYTES = 256 * 1024;
const ACKNOWLEDGED_BYTES = 64 * 1024;
const CATCH_UP_MS = 1000;
// An offset of the attach record: from the first byte on.
const FROM_THE_BEGINNING = 0;
const NO_LIMIT = 0xffff_ffff;

/** Why a connection brought no console: `reason` is a ConsoleRefusal, or one of RefusedBecause. */
export interface Refusal {
  reason: number;
  /** An errno, or 0. */
  errno: number;
  /** What came instead: st_mode and st_rdev; 0 where that is not known. */
  mode: number;
  rdevMajor: number;
  rdevMinor: number;
}

export interface ReaderEvents {
  output(bytes: Buffer): void;
  arrived(peer: { pid: number; uid: number; gid: number }, name: Buffer): void;
  /** Something that came and was refused. */
  refused(refusal: Refusal): void;
  resized(size: WindowSize): void;
  tampered(): void;
  hungUp(): void;
  /** The container's wait status, as the protocol has it, once all output has come. */
  exited(status: number): void;
  /** The reaper has ended. */
  reaperEnded(): void;
  /** The connection is gone. */
  closed(): void;
}

interface Typing {
  rest: Uint8Array;
  /** How much is confirmed, in all, when this was typed. */
  end: number;
  done: () => void;
}

export class ReaderConnection {
  readonly #socket: Socket;
  readonly #events: ReaderEvents;
  readonly #asked: (() => void)[] = [() => undefined];
  #greeted = false;
  #received = 0;
  #acknowledged = 0;
  #sent = 0;
  #typed = 0;
  #typing: Typing | undefined;

  /** Takes `fd`, the creator's end of the socketpair. What it sends at once waits in there for the reader. */
  constructor(fd: number, events: ReaderEvents) {
    this.#events = events;
    this.#socket = new Socket({ fd, readable: true, writable: true });
    const reader = new RecordReader({
      output: (bytes) => {
        this.#received += bytes.length;
        events.output(bytes);
      },
      record: (kind, value, payload) => this.#onRecord(kind, value, payload),
    });
    this.#socket.on("data", (chunk: Buffer) => {
      try {
        reader.feed(chunk);
      } catch (error) {
        this.#socket.destroy(error as Error);
      }
    });
    // Reset when the reader was killed: 'close' tells it.
    this.#socket.on("error", () => undefined);
    this.#socket.once("close", () => {
      this.#settleTyping();
      for (const answered of this.#asked.splice(0)) answered();
      events.closed();
    });
    this.#send(hello(KEEPER_VERSION));
    const payload = Buffer.alloc(12);
    put32(payload, AttachFlags.pace, 0);
    put32(payload, WINDOW_BYTES, 4);
    put32(payload, NO_LIMIT, 8);
    this.#send(record(ToKeeper.attach, FROM_THE_BEGINNING, payload));
  }

  /** Acknowledges all output but the last `waiting` bytes, once it is worth a record. */
  acknowledge(waiting: number): void {
    const used = this.#received - waiting;
    if (used - this.#acknowledged < ACKNOWLEDGED_BYTES) return;
    this.#acknowledged = used;
    this.#send(record(ToKeeper.ack, used));
  }

  /** Types; `done` is called when the terminal has taken it, or nobody is there to take it. One call at a time. */
  type(bytes: Uint8Array, done: () => void): void {
    if (this.#socket.destroyed) {
      done();
      return;
    }
    this.#typing = { rest: bytes, end: this.#sent + bytes.length, done };
    this.#continueTyping();
  }

  resize({ columns, rows }: WindowSize): void {
    this.#send(record(ToKeeper.resize, columns + rows * 0x1_0000));
  }

  setOnlcr(on: boolean): void {
    this.#send(record(ToKeeper.onlcr, on ? 1 : 0));
  }

  hangUp(): void {
    this.#send(record(ToKeeper.hangUp));
  }

  /** The end of the connection is no hangup from now on. */
  leave(): void {
    this.#send(record(ToKeeper.leave));
  }

  /**
   * Resolves when everything has come that the reader had to tell when this was called, or when it is gone. One that is
   * stuck in a call on the master is waited for a second, and no longer.
   */
  async catchUp(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CATCH_UP_MS);
    });
    // What a client is told waits behind the answer to hello, and not behind that to the next one.
    const answered = this.#ask().then(() => this.#ask());
    await Promise.race([answered, patience]);
    clearTimeout(timer);
  }

  #ask(): Promise<void> {
    if (this.#socket.destroyed) return Promise.resolve();
    this.#send(hello(KEEPER_VERSION));
    return new Promise((resolve) => this.#asked.push(resolve));
  }

  /** The reader has ended: nothing more comes, also where somebody who traced it has a copy of its socket. */
  lost(): void {
    this.#socket.destroy();
  }

  /** Ends it; what was sent goes out. */
  close(): void {
    // A reader that is stuck, or was stopped, answers no end: this process does not wait for it.
    this.#socket.unref();
    this.#socket.destroySoon();
    this.#settleTyping();
  }

  setRef(on: boolean): void {
    if (on) this.#socket.ref();
    else this.#socket.unref();
  }

  #send(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  #continueTyping(): void {
    const typing = this.#typing;
    while (typing && typing.rest.length > 0) {
      const credit = Math.min(KEEPER_INPUT_CREDIT - (this.#sent - this.#typed), KEEPER_MAX_PAYLOAD);
      if (credit <= 0) return;
      const part = typing.rest.subarray(0, credit);
      typing.rest = typing.rest.subarray(part.length);
      this.#sent += part.length;
      this.#send(record(ToKeeper.input, 0, part));
    }
    if (typing && this.#typed >= typing.end) this.#settleTyping();
  }

  #settleTyping(): void {
    const typing = this.#typing;
    this.#typing = undefined;
    typing?.done();
  }

  #onRecord(kind: number, value: number, payload: Buffer): void {
    switch (kind) {
      case FromKeeper.typed:
        this.#typed = value;
        this.#continueTyping();
        return;
      case FromKeeper.arrived: {
        const peer = { pid: get32(payload, 0), uid: get32(payload, 4), gid: get32(payload, 8) };
        this.#events.arrived(peer, Buffer.from(payload.subarray(12)));
        return;
      }
      case FromKeeper.refused:
        this.#events.refused({
          reason: value,
          errno: get32(payload, 0),
          mode: get32(payload, 4),
          rdevMajor: get32(payload, 8),
          rdevMinor: get32(payload, 12),
        });
        return;
      case FromKeeper.helloBack:
        if (this.#greeted && hasNoReaper(payload)) this.#events.reaperEnded();
        this.#greeted = true;
        for (const answered of this.#asked.splice(0, 1)) answered();
        return;
      case FromKeeper.size:
        this.#events.resized({ columns: value & 0xffff, rows: (value / 0x1_0000) & 0xffff });
        return;
      case FromKeeper.tampered:
        this.#events.tampered();
        return;
      case FromKeeper.hungUp:
        this.#events.hungUp();
        return;
      case FromKeeper.exit:
        this.#events.exited(value);
        return;
      case FromKeeper.gap:
        // A pacing client without a limit gets none.
        this.#received += get64(payload, 0) - value;
    }
  }
}
