// How a call fails: gRPC's status codes, which ttRPC shares (grpc.github.io/grpc/core/md_doc_statuscodes.html).
import { recognizeCopies } from "cmsg-native";
import { safeText } from "../../console/safe-text.js";
import { ConsoleSocketError } from "../../errors.js";

/** The names of the codes, each at its number. */
export const RPC_CODES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;

export type RpcCodeName = (typeof RPC_CODES)[number];

/** A call that did not succeed; `code` is ERR_CONSOLE_RPC. */
export class RpcError extends ConsoleSocketError {
  /** The status as a number. */
  readonly rpcCode: number;
  /** Its name; UNKNOWN for a number without one. */
  readonly rpcName: RpcCodeName;
  /** What the agent said, made safe to show; or what was seen here. */
  readonly details: string;

  constructor(code: RpcCodeName | number, details: string, options?: ErrorOptions) {
    const number = typeof code === "number" ? code : RPC_CODES.indexOf(code);
    const name = RPC_CODES[number] ?? "UNKNOWN";
    const safe = safeText(details);
    super("ERR_CONSOLE_RPC", `The call failed with ${name} (${number}): ${safe}`, options);
    this.name = "RpcError";
    this.rpcCode = number;
    this.rpcName = name;
    this.details = safe;
  }
}
recognizeCopies(RpcError, "console-socket.RpcError");

/** Whoever calls finds the connection gone: what was asked may have been done or not. */
export function connectionLost(cause?: unknown): RpcError {
  const why = cause instanceof Error ? `: ${cause.message}` : "";
  return new RpcError("UNAVAILABLE", `the connection to the agent is lost${why}`, { cause });
}

/** What came is not what the protocol allows. */
export function protocolError(what: string): ConsoleSocketError {
  return new ConsoleSocketError(
    "ERR_CONSOLE_RPC_PROTOCOL",
    `${what}. Is it Kata's agent that answers, and does it speak this protocol (1.x gRPC, 2.x and later ttRPC)?`,
  );
}

export function clientClosed(): ConsoleSocketError {
  return new ConsoleSocketError("ERR_CONSOLE_CLOSED", "This agent client is closed.");
}
