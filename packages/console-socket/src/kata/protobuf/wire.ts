// Protocol Buffers' wire format, protobuf.dev/programming-guides/encoding: varints, and fields of a length.
//
// Nothing that is read can reach behind the bytes given: what is cut off or longer than it may be is
// ERR_CONSOLE_RPC_PROTOCOL.
import { ConsoleSocketError } from "../../errors.js";

export const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
export const WIRE_LENGTH = 2;
const WIRE_GROUP = 3;
const WIRE_GROUP_END = 4;
const WIRE_FIXED32 = 5;

// Groups, which proto3 does not have, can be nested: an unknown one is skipped, but not for ever.
const MAX_DEPTH = 100;

export class WireWriter {
  readonly #chunks: Uint8Array[] = [];

  tag(field: number, type: number): this {
    return this.varint(BigInt((field << 3) | type));
  }

  /** A negative value takes ten bytes, as that of its 64 bits in two's complement. */
  varint(value: bigint): this {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, value);
    for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    this.#chunks.push(Uint8Array.from(bytes));
    return this;
  }

  bytes(value: Uint8Array): this {
    this.varint(BigInt(value.length));
    this.#chunks.push(value);
    return this;
  }

  finish(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

export class WireReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  tag(): { field: number; type: number } {
    const tag = this.varint();
    const field = Number(tag >> 3n);
    if (field < 1 || field > 0x1fff_ffff) throw malformed(`a field has the number ${field}`);
    return { field, type: Number(tag & 7n) };
  }

  /** As 64 bits without a sign. */
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw malformed("a number is cut off");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw malformed("a number has more than ten bytes");
  }

  /** A view, no copy. */
  bytes(): Uint8Array {
    return this.#take(this.varint());
  }

  /** Passes over a field that is not known here. */
  skip({ field, type }: { field: number; type: number }, depth = 0): void {
    if (type === WIRE_VARINT) this.varint();
    else if (type === WIRE_FIXED64) this.#take(8n);
    else if (type === WIRE_LENGTH) this.bytes();
    else if (type === WIRE_FIXED32) this.#take(4n);
    else if (type === WIRE_GROUP && depth < MAX_DEPTH) this.#skipGroup(field, depth + 1);
    else throw malformed(`field ${field} has the wire type ${type}`);
  }

  #skipGroup(group: number, depth: number): void {
    for (;;) {
      const tag = this.tag();
      if (tag.type !== WIRE_GROUP_END) this.skip(tag, depth);
      else if (tag.field === group) return;
      else throw malformed(`group ${group} ends as ${tag.field}`);
    }
  }

  #take(length: bigint): Uint8Array {
    const left = this.#bytes.length - this.#at;
    if (length > BigInt(left)) throw malformed(`a field has ${length} bytes, of which ${left} are there`);
    const start = this.#at;
    this.#at += Number(length);
    return this.#bytes.subarray(start, this.#at);
  }
}

export function malformed(what: string): ConsoleSocketError {
  return new ConsoleSocketError(
    "ERR_CONSOLE_RPC_PROTOCOL",
    `Expected a message of Kata's agent, and ${what}. Is it an agent that answers, and one of this protocol?`,
  );
}
