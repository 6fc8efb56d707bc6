// Records of console-keeper: a header of 16 bytes, little or big end first as the machine has it, and a payload.
// docs/keeper-protocol.md says what each means.
import { endianness } from "node:os";
import { FromKeeper, KEEPER_MAX_PAYLOAD, ToKeeper } from "cmsg-native/keeper-protocol";

const HEADER_LENGTH = 16;
const LITTLE = endianness() === "LE";

/** As BigInt: 2^64-1 and 2^64-2 have meanings of their own. */
export function record(kind: number, value: bigint | number = 0, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_LENGTH + payload.length);
  put32(bytes, payload.length, 0);
  put16(bytes, kind, 4);
  put16(bytes, 0, 6);
  put64(bytes, BigInt(value), 8);
  bytes.set(payload, HEADER_LENGTH);
  return bytes;
}

/** An unsigned 32-bit number at `offset`. */
export function get32(bytes: Buffer, offset: number): number {
  return LITTLE ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset);
}

export function put32(bytes: Buffer, value: number, offset: number): void {
  if (LITTLE) bytes.writeUInt32LE(value, offset);
  else bytes.writeUInt32BE(value, offset);
}

export function put16(bytes: Buffer, value: number, offset: number): void {
  if (LITTLE) bytes.writeUInt16LE(value, offset);
  else bytes.writeUInt16BE(value, offset);
}

function get16(bytes: Buffer, offset: number): number {
  return LITTLE ? bytes.readUInt16LE(offset) : bytes.readUInt16BE(offset);
}

function put64(bytes: Buffer, value: bigint, offset: number): void {
  if (LITTLE) bytes.writeBigUInt64LE(value, offset);
  else bytes.writeBigUInt64BE(value, offset);
}

/** An unsigned 64-bit number: exact up to 2^53, which no offset reaches. */
export function get64(bytes: Buffer, offset: number): number {
  return Number(LITTLE ? bytes.readBigUInt64LE(offset) : bytes.readBigUInt64BE(offset));
}

export interface RecordHandler {
  /** Output bytes, in pieces as they come. The bytes are the handler's to keep. */
  output(bytes: Buffer): void;
  /** Any other record, whole. */
  record(kind: number, value: number, payload: Buffer): void;
}

/** Takes the bytes of a connection in whatever pieces they come. */
export class RecordReader {
  readonly #handler: RecordHandler;
  // What has come of a header, or of a payload that is not output.
  #begun: Buffer = Buffer.alloc(0);
  #outputLeft = 0;

  constructor(handler: RecordHandler) {
    this.#handler = handler;
  }

  /** @throws Error when the keeper sends what is no record of its protocol. */
  feed(chunk: Buffer): void {
    let bytes = this.#begun.length === 0 ? chunk : Buffer.concat([this.#begun, chunk]);
    for (;;) {
      bytes = this.#feedOutput(bytes);
      const length = bytes.length < HEADER_LENGTH ? 0 : get32(bytes, 0);
      if (length > KEEPER_MAX_PAYLOAD) throw new Error(`console-keeper sent a record of ${length} bytes`);
      if (bytes.length < HEADER_LENGTH || !this.#take(bytes, length)) break;
      bytes = bytes.subarray(HEADER_LENGTH + (this.#outputLeft > 0 ? 0 : length));
    }
    this.#begun = bytes;
  }

  #feedOutput(bytes: Buffer): Buffer {
    if (this.#outputLeft === 0 || bytes.length === 0) return bytes;
    const piece = bytes.subarray(0, this.#outputLeft);
    this.#outputLeft -= piece.length;
    this.#handler.output(piece);
    return bytes.subarray(piece.length);
  }

  #take(bytes: Buffer, length: number): boolean {
    const kind = get16(bytes, 4);
    if (kind === FromKeeper.output) {
      this.#outputLeft = length;
      return true;
    }
    if (bytes.length < HEADER_LENGTH + length) return false;
    this.#handler.record(kind, get64(bytes, 8), bytes.subarray(HEADER_LENGTH, HEADER_LENGTH + length));
    return true;
  }
}

/** Records of `kind` with the parts of a body: the value of each is what follows. */
export function bodyRecords(kind: number, body: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let from = 0; from < body.length; from += KEEPER_MAX_PAYLOAD) {
    const part = body.subarray(from, from + KEEPER_MAX_PAYLOAD);
    parts.push(record(kind, body.length - from - part.length, part));
  }
  return parts;
}

// Of hello's payload.
const READER_AT = 36;
const REAPER_AT = 40;

/** Whether a hello that was not asked for tells of the reader's end. */
export const hasNoReader = (payload: Buffer): boolean => get32(payload, READER_AT) === 0;

/** As hasNoReader, of the reaper's. */
export const hasNoReaper = (payload: Buffer): boolean => get32(payload, REAPER_AT) === 0;

export const hello = (version: number): Buffer => record(ToKeeper.hello, version);
