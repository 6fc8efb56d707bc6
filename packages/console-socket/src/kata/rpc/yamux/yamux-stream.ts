// yamux, github.com/hashicorp/yamux/blob/master/spec.md, as much of it as Kata 1.x needs: a client with one stream.
//
// Frame: version u8 (0), type u8, flags u16, stream u32, length u32, big endian; data follows its frame. Each side may send
// what the other's window has room for: 256 KiB at first, and what it is given back since.
import { Duplex } from "node:stream";
import { ByteQueue } from "../byte-queue.js";
import { connectionLost, protocolError } from "../rpc-error.js";

const HEADER_BYTES = 12;
const DATA = 0;
const WINDOW_UPDATE = 1;
const PING = 2;
const GO_AWAY = 3;
const SYN = 1;
const ACK = 2;
const FIN = 4;
const RST = 8;
const SESSION = 0;
const STREAM = 1;
const WINDOW_BYTES = 256 * 1024;
const MAX_FRAME_BYTES = 64 * 1024;
const MAX_WAITING_BYTES = 1024 * 1024;
// The reference client turns yamux's own keepalive off and sends a ping every second, whose answer it does not need.
const PING_INTERVAL_MS = 1000;

interface Header {
  type: number;
  flags: number;
  stream: number;
  length: number;
}

/** The one stream of a yamux session on a connection, which it takes. */
export class YamuxStream extends Duplex {
  readonly #connection: Duplex;
  readonly #received: ByteQueue = new ByteQueue();
  readonly #pinging: NodeJS.Timeout;
  #pingId = 0;
  // Of the frame whose data comes.
  #dataLeft = 0;
  #ofOurs = false;
  #finished = false;
  #receiveWindow: number = WINDOW_BYTES;
  #sendWindow: number = WINDOW_BYTES;
  #pendingWrite: { rest: Buffer; done: (error?: Error | null) => void } | undefined;

  constructor(connection: Duplex) {
    super();
    this.#connection = connection;
    connection.on("data", (chunk: Buffer) => this.#receive(chunk));
    connection.on("drain", () => this.#continueWriting());
    connection.on("error", (error) => this.destroy(connectionLost(error)));
    connection.once("end", () => this.destroy(connectionLost()));
    connection.once("close", () => this.destroy(connectionLost()));
    this.#send(WINDOW_UPDATE, SYN, STREAM, 0);
    this.#pinging = setInterval(() => {
      if (!connection.writableNeedDrain) this.#send(PING, SYN, SESSION, this.#pingId++);
    }, PING_INTERVAL_MS).unref();
  }

  override _read(): void {
    this.#giveBack();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#pendingWrite = { rest: chunk, done };
    this.#continueWriting();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#send(WINDOW_UPDATE, FIN, STREAM, 0);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearInterval(this.#pinging);
    // The session has no other stream. Its destroyed connection has its own 'close' and the end of this one to come.
    this.#connection.once("close", () => done(error));
    if (this.#connection.closed) done(error);
    this.#connection.destroy();
  }

  #send(type: number, flags: number, stream: number, length: number, data?: Buffer): boolean {
    if (!this.#connection.writable) return false;
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt8(type, 1);
    header.writeUInt16BE(flags, 2);
    header.writeUInt32BE(stream, 4);
    header.writeUInt32BE(length >>> 0, 8);
    return this.#connection.write(data ? Buffer.concat([header, data]) : header);
  }

  /** Not without end to an agent that asks and does not read. */
  #answer(type: number, flags: number, stream: number, length: number): void {
    if (this.#connection.writableLength < MAX_WAITING_BYTES) this.#send(type, flags, stream, length);
    else this.destroy(protocolError(`The agent sends yamux frames, and reads none of ${MAX_WAITING_BYTES} bytes`));
  }

  #continueWriting(): void {
    const pending = this.#pendingWrite;
    if (!pending) return;
    while (pending.rest.length > 0) {
      if (this.#sendWindow === 0 || this.#connection.writableNeedDrain) return;
      const piece = pending.rest.subarray(0, Math.min(this.#sendWindow, MAX_FRAME_BYTES));
      pending.rest = pending.rest.subarray(piece.length);
      this.#sendWindow -= piece.length;
      this.#send(DATA, 0, STREAM, piece.length, piece);
    }
    this.#pendingWrite = undefined;
    pending.done();
  }

  #receive(chunk: Buffer): void {
    this.#received.add(chunk);
    while (!this.destroyed) {
      if (this.#dataLeft > 0) {
        if (!this.#receiveData()) return;
      } else if (this.#received.length >= HEADER_BYTES) this.#receiveHeader(this.#received.take(HEADER_BYTES));
      else return;
    }
  }

  /** What there is of a frame's data: it need not come whole. */
  #receiveData(): boolean {
    const data = this.#received.take(this.#dataLeft);
    if (data.length === 0) return false;
    this.#dataLeft -= data.length;
    if (this.#ofOurs) this.push(data);
    this.#giveBack();
    return true;
  }

  #receiveHeader(bytes: Buffer): void {
    const version = bytes.readUInt8(0);
    const header = {
      type: bytes.readUInt8(1),
      flags: bytes.readUInt16BE(2),
      stream: bytes.readUInt32BE(4),
      length: bytes.readUInt32BE(8),
    };
    if (version !== 0 || header.type > GO_AWAY) {
      this.destroy(protocolError(`Expected a yamux frame, and got version ${version}, type ${header.type}`));
    } else if (header.type === PING) {
      if (header.flags & SYN) this.#answer(PING, ACK, SESSION, header.length);
    } else if (header.type === GO_AWAY) {
      // 0 only says that no stream may be opened any more; there is one already.
      if (header.length !== 0) this.destroy(protocolError(`The yamux session was ended with ${header.length}`));
    } else this.#receiveStreamFrame(header);
  }

  #receiveStreamFrame({ type, flags, stream, length }: Header): void {
    this.#ofOurs = stream === STREAM;
    if (type === DATA) this.#dataLeft = length;
    if (!this.#ofOurs) {
      // An agent opens no streams. What is on one that is refused is passed over.
      if (flags & SYN) this.#answer(WINDOW_UPDATE, RST, stream, 0);
      return;
    }
    if (type === WINDOW_UPDATE) this.#sendWindow += length;
    else if (length > this.#receiveWindow || (this.#finished && length > 0)) {
      const where = this.#finished ? "behind the stream's end" : `into a window of ${this.#receiveWindow}`;
      this.destroy(protocolError(`A yamux frame of ${length} bytes came ${where}`));
      return;
    } else this.#receiveWindow -= length;
    if (flags & RST) this.destroy(connectionLost(new Error("the yamux stream was reset")));
    else if (flags & FIN && length > 0 && type === DATA)
      this.destroy(protocolError("A yamux frame has both data and FIN"));
    else if (flags & FIN) this.#finish();
    else this.#continueWriting();
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.push(null);
  }

  // As much room as there is: the window less what nobody has read and what is still to come. In halves, not in crumbs.
  #giveBack(): void {
    const room = WINDOW_BYTES - this.readableLength - (this.#ofOurs ? this.#dataLeft : 0) - this.#receiveWindow;
    if (room < WINDOW_BYTES / 2 || this.#finished) return;
    this.#receiveWindow += room;
    this.#send(WINDOW_UPDATE, 0, STREAM, room);
  }
}
