// One unary gRPC call on an HTTP/2 stream: grpc.github.io/grpc/core/md_doc__p_r_o_t_o_c_o_l-_h_t_t_p2.html.
//
// A message is five bytes (compressed u8, length u32 big endian) and its bytes. The answer's status is in the trailers, or
// in the only headers. HTTP's own status, or a reset stream, count where neither came.
import { type ClientHttp2Stream, constants, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from "node:http2";
import { ByteQueue } from "../byte-queue.js";
import { protocolError, type RpcCodeName, RpcError } from "../rpc-error.js";
import { MAX_MESSAGE_BYTES, type Outcome } from "../transport.js";

const PREFIX_BYTES = 5;

const BY_HTTP_STATUS: Record<number, RpcCodeName> = {
  400: "INTERNAL",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "UNIMPLEMENTED",
  429: "UNAVAILABLE",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "UNAVAILABLE",
};

const BY_RESET: Record<number, RpcCodeName> = {
  [constants.NGHTTP2_REFUSED_STREAM]: "UNAVAILABLE",
  [constants.NGHTTP2_CANCEL]: "CANCELLED",
  [constants.NGHTTP2_ENHANCE_YOUR_CALM]: "RESOURCE_EXHAUSTED",
  [constants.NGHTTP2_INADEQUATE_SECURITY]: "PERMISSION_DENIED",
};

export function frameMessage(message: Buffer): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Eight digits at most, and a unit. */
export function grpcTimeout(timeoutMs: number): string {
  return timeoutMs < 1e8 ? `${timeoutMs}m` : `${Math.ceil(timeoutMs / 1000)}S`;
}

export class GrpcCall {
  readonly #stream: ClientHttp2Stream;
  readonly #received: ByteQueue = new ByteQueue();
  #headers: IncomingHttpHeaders & IncomingHttpStatusHeader = {};
  #trailers: IncomingHttpHeaders | undefined;
  #failure: Error | undefined;

  /** `ended` is told when the stream is closed. */
  constructor(stream: ClientHttp2Stream, ended: () => void) {
    this.#stream = stream;
    stream.on("response", (headers) => {
      this.#headers = headers;
      // The answer of a proxy, or of a web server.
      if (headers[":status"] === 200 && !headers["content-type"]?.startsWith("application/grpc"))
        this.#giveUp(protocolError(`Expected an answer of application/grpc, and got ${headers["content-type"]}`));
    });
    stream.on("trailers", (trailers) => {
      this.#trailers = trailers;
    });
    stream.on("data", (chunk: Buffer) => this.#receive(chunk));
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // nghttp2's word for bytes that are not HTTP/2, or break its rules. The others, 'close' tells better.
      if (error.code === "ERR_HTTP2_ERROR")
        this.#failure ??= protocolError(`Not HTTP/2 as gRPC speaks it: ${error.message}`);
    });
    stream.once("close", ended);
  }

  cancel(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  /** Once the stream is closed; undefined when that says nothing, as when the connection went. */
  outcome(): Outcome | undefined {
    if (this.#failure) return this.#failure;
    const answer = this.#trailers?.["grpc-status"] === undefined ? this.#headers : this.#trailers;
    const status = answer["grpc-status"];
    if (status !== undefined) return this.#finished(String(status), String(answer["grpc-message"] ?? ""));
    const http = this.#headers[":status"];
    if (http !== undefined && http !== 200)
      return new RpcError(BY_HTTP_STATUS[http] ?? "UNKNOWN", `the answer has HTTP's status ${http}`);
    const reset = this.#stream.rstCode ?? 0;
    if (reset !== constants.NGHTTP2_NO_ERROR)
      return new RpcError(BY_RESET[reset] ?? "INTERNAL", `the agent reset the call's stream with ${reset}`);
    return http === undefined ? undefined : protocolError("The answer to a call ended without a status");
  }

  #finished(status: string, message: string): Outcome {
    if (!/^\d+$/.test(status))
      return protocolError(`Expected a number as grpc-status, and got ${JSON.stringify(status)}`);
    if (Number(status) !== 0) return new RpcError(Number(status), percentDecoded(message));
    const prefix = this.#received.take(PREFIX_BYTES);
    if (prefix.length < PREFIX_BYTES || prefix.readUInt32BE(1) !== this.#received.length)
      return protocolError("Expected one whole message before the status OK");
    return this.#received.take(this.#received.length);
  }

  #receive(chunk: Buffer): void {
    if (this.#failure) return;
    this.#received.add(chunk);
    // Its length is known from the first five bytes on: what is too long is not waited for.
    if (this.#received.length > PREFIX_BYTES + MAX_MESSAGE_BYTES)
      this.#giveUp(new RpcError("RESOURCE_EXHAUSTED", `an answer of more than ${MAX_MESSAGE_BYTES} bytes`));
    else if (chunk.length === this.#received.length && chunk[0] !== 0)
      this.#giveUp(protocolError("An answer is compressed, which was not asked for"));
  }

  #giveUp(error: Error): void {
    this.#failure ??= error;
    this.cancel();
  }
}

/** As in a URL; what is not, stays as it is. */
function percentDecoded(text: string): string {
  const bytes = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString();
}
