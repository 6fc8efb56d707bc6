// gRPC over HTTP/2 by Node's own node:http2, which takes any stream of bytes for its connection.
import { type ClientHttp2Session, connect } from "node:http2";
import type { Duplex } from "node:stream";
import { ConsoleSocketError } from "../../../errors.js";
import { clientClosed, connectionLost, RpcError } from "../rpc-error.js";
import { MAX_MESSAGE_BYTES, type Outcome, type Transport, type TransportRequest } from "../transport.js";
import { frameMessage, GrpcCall, grpcTimeout } from "./grpc-call.js";

// Large enough that a message waits for no window of its own: 64 KiB is HTTP/2's default.
const WINDOW_BYTES = 1024 * 1024;

export class GrpcTransport implements Transport {
  readonly #connection: Duplex;
  readonly #session: ClientHttp2Session;
  readonly #calls: Map<GrpcCall, (outcome: Outcome) => void> = new Map();
  readonly #closed: Promise<unknown>;
  #failure: Error | undefined;

  /** Takes the connection. */
  constructor(connection: Duplex) {
    this.#connection = connection;
    this.#closed = new Promise((resolve) => connection.once("close", resolve));
    // Before http2 has its own listeners: between an end and its answer to that it must not be asked to write (a reset,
    // GOAWAY), which would end the process by an assertion (node:internal/js_stream_socket).
    connection.once("end", () => this.#fail(connectionLost()));
    connection.on("error", (error) => this.#fail(error instanceof ConsoleSocketError ? error : connectionLost(error)));
    connection.once("close", () => this.#fail(connectionLost()));
    this.#session = connect("http://localhost", {
      createConnection: () => connection,
      settings: { enablePush: false, initialWindowSize: WINDOW_BYTES },
    });
    // Its calls are told too, and first.
    this.#session.on("error", (error) => this.#fail(connectionLost(error)));
    this.#session.once("close", () => this.#fail(connectionLost()));
  }

  start(request: TransportRequest, settle: (outcome: Outcome) => void): () => void {
    const refusal = this.#failure ?? tooLong(request.message.length);
    if (refusal) {
      settle(refusal);
      return () => undefined;
    }
    const { service, method, message, metadata, timeoutMs } = request;
    let call: GrpcCall;
    try {
      const stream = this.#session.request({
        ...metadata,
        ":method": "POST",
        ":path": `/${service}/${method}`,
        te: "trailers",
        "content-type": "application/grpc",
        "user-agent": "console-socket",
        ...(timeoutMs !== undefined && { "grpc-timeout": grpcTimeout(timeoutMs) }),
      });
      call = new GrpcCall(stream, () => this.#ended(call));
      this.#calls.set(call, settle);
      stream.end(frameMessage(message));
    } catch (error) {
      // The agent said that it takes no more calls (GOAWAY), or the session has just ended.
      settle(connectionLost(error));
      return () => undefined;
    }
    return () => {
      if (this.#calls.delete(call)) call.cancel();
    };
  }

  async close(): Promise<void> {
    this.#fail(clientClosed());
    await this.#closed;
  }

  #ended(call: GrpcCall): void {
    const settle = this.#calls.get(call);
    if (!this.#calls.delete(call)) return;
    settle?.(call.outcome() ?? this.#failure ?? connectionLost());
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    // The session closes with its connection. Its own destroy() would write.
    this.#connection.destroy();
    for (const settle of calls) settle(error);
  }
}

function tooLong(length: number): RpcError | undefined {
  if (length <= MAX_MESSAGE_BYTES) return undefined;
  return new RpcError("RESOURCE_EXHAUSTED", `a request of ${length} bytes; the maximum is ${MAX_MESSAGE_BYTES}`);
}
