// ttRPC, github.com/containerd/ttrpc: each message is a header of ten bytes (length u32, stream u32, type u8, flags u8, big
// endian) and a protobuf message, a request or a response. A client's streams have odd numbers, each is one call, and
// answers come in any order. There is no way to say that a call is cancelled: the answer is passed over.
//
// What breaks this ends the connection, and all calls with it: it is out of step then.
import type { Duplex } from "node:stream";
import { decode, encode, type Schema } from "../../protobuf/message.js";
import { ByteQueue } from "../byte-queue.js";
import { clientClosed, connectionLost, protocolError, RpcError } from "../rpc-error.js";
import { MAX_MESSAGE_BYTES, type Outcome, type Transport, type TransportRequest } from "../transport.js";

const HEADER_BYTES = 10;
const TYPE_REQUEST = 1;
const TYPE_RESPONSE = 2;
const MAX_STREAM = 0xffff_ffff;

interface Request {
  service: string;
  method: string;
  payload: Uint8Array;
  timeoutNano: bigint;
  metadata: { key: string; value: string }[];
}

interface Status {
  code: number;
  message: string;
}

interface Response {
  status?: Status;
  payload: Buffer;
}

const keyValue: Schema<Request["metadata"][number]> = { key: [1, "string"], value: [2, "string"] };

const requestSchema: Schema<Request> = {
  service: [1, "string"],
  method: [2, "string"],
  payload: [3, "bytes"],
  timeoutNano: [4, "int64"],
  metadata: [5, keyValue, "repeated"],
};

const status: Schema<Status> = { code: [1, "int32"], message: [2, "string"] };

const responseSchema: Schema<Response> = { status: [1, status], payload: [2, "bytes"] };

export class TtrpcTransport implements Transport {
  readonly #connection: Duplex;
  readonly #received: ByteQueue = new ByteQueue();
  readonly #calls: Map<number, (outcome: Outcome) => void> = new Map();
  readonly #closed: Promise<void>;
  #header: { length: number; stream: number; type: number } | undefined;
  #nextStream = 1;
  #failure: Error | undefined;

  /** Takes the connection. */
  constructor(connection: Duplex) {
    this.#connection = connection;
    this.#closed = new Promise((resolve) => connection.once("close", resolve));
    connection.on("data", (chunk: Buffer) => this.#receive(chunk));
    connection.on("error", (error) => this.#fail(connectionLost(error)));
    connection.once("end", () => this.#fail(connectionLost()));
    connection.once("close", () => this.#fail(connectionLost()));
  }

  start(
    { service, method, message, metadata, timeoutMs }: TransportRequest,
    settle: (outcome: Outcome) => void,
  ): () => void {
    const frame = encode(requestSchema, {
      service,
      method,
      payload: message,
      timeoutNano: BigInt(timeoutMs ?? 0) * 1_000_000n,
      metadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    } satisfies Request);
    const refusal = this.#failure ?? this.#refusal(frame.length);
    if (refusal) {
      settle(refusal);
      return () => undefined;
    }
    const stream = this.#nextStream;
    this.#nextStream += 2;
    this.#calls.set(stream, settle);
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32BE(frame.length, 0);
    header.writeUInt32BE(stream, 4);
    header.writeUInt8(TYPE_REQUEST, 8);
    this.#connection.write(Buffer.concat([header, frame]));
    return () => {
      this.#calls.delete(stream);
    };
  }

  async close(): Promise<void> {
    this.#fail(clientClosed());
    await this.#closed;
  }

  #refusal(length: number): RpcError | undefined {
    if (length > MAX_MESSAGE_BYTES) {
      return new RpcError("RESOURCE_EXHAUSTED", `a request of ${length} bytes; the maximum is ${MAX_MESSAGE_BYTES}`);
    }
    return this.#nextStream > MAX_STREAM ? new RpcError("UNAVAILABLE", "no stream number is left") : undefined;
  }

  #receive(chunk: Buffer): void {
    this.#received.add(chunk);
    try {
      while (!this.#failure && this.#receiveFrame());
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** False when more has to come first. */
  #receiveFrame(): boolean {
    if (!this.#header) {
      if (this.#received.length < HEADER_BYTES) return false;
      const bytes = this.#received.take(HEADER_BYTES);
      this.#header = { length: bytes.readUInt32BE(0), stream: bytes.readUInt32BE(4), type: bytes.readUInt8(8) };
      const { length, stream } = this.#header;
      if (length > MAX_MESSAGE_BYTES || stream % 2 === 0) {
        throw protocolError(
          `Expected a ttRPC message of at most ${MAX_MESSAGE_BYTES} bytes on a stream with an odd number, and got ` +
            `${length} bytes on stream ${stream}`,
        );
      }
    }
    if (this.#received.length < this.#header.length) return false;
    const { length, stream, type } = this.#header;
    this.#header = undefined;
    const bytes = this.#received.take(length);
    const settle = this.#calls.get(stream);
    // Cancelled, or never asked for.
    if (!settle) return true;
    if (type !== TYPE_RESPONSE) throw protocolError(`Expected a ttRPC response, and got a message of type ${type}`);
    const response = decode(responseSchema, bytes);
    this.#calls.delete(stream);
    settle(outcomeOf(response));
    return true;
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    this.#connection.destroy();
    for (const settle of calls) settle(error);
  }
}

function outcomeOf({ status, payload }: Response): Outcome {
  return status && status.code !== 0 ? new RpcError(status.code, status.message) : payload;
}
