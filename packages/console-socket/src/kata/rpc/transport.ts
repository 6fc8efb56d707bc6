// What the two protocols have in common: one message out, one back, and everything that can come in between.
import { withDeadline } from "../../deadline.js";
import { ConsoleSocketError } from "../../errors.js";
import { checks, checkTimeout } from "../../options.js";
import { RpcError } from "./rpc-error.js";

/** Maximum size of a message, either way: ttRPC's limit, and what gRPC takes by default. */
export const MAX_MESSAGE_BYTES: number = 4 * 1024 * 1024;

export interface TransportRequest {
  service: string;
  method: string;
  message: Buffer;
  metadata: Readonly<Record<string, string>>;
  /** Told to the agent; that it is kept is the caller's part. */
  timeoutMs: number | undefined;
}

/** How a call ended. */
export type Outcome = Buffer | Error;

export interface Transport {
  /**
   * Starts a call. `settle` is called once, maybe before this returns, and not after the call was cancelled.
   *
   * @returns what cancels it
   */
  start(request: TransportRequest, settle: (outcome: Outcome) => void): () => void;
  /** Fails what is outstanding with ERR_CONSOLE_CLOSED; resolves when the connection is closed. */
  close(): Promise<void>;
}

export interface CallOptions {
  /** Cancels the call, which rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** When to give up, with DEADLINE_EXCEEDED here and in the agent: 1 to 2147483647 ms, or Infinity (the default): never. */
  timeoutMs?: number | undefined;
  /** For the agent, beside the request: names in lower case, printable ASCII. */
  metadata?: Readonly<Record<string, string>> | undefined;
}

/** One call, with its deadline and its signal. */
export function unary(
  transport: Transport,
  request: TransportRequest,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const { timeoutMs = Number.POSITIVE_INFINITY } = request;
  const timedOut = (): RpcError => new RpcError("DEADLINE_EXCEEDED", `no answer within ${timeoutMs} ms`);
  return withDeadline({ timeoutMs, signal, timedOut }, (deadline) => {
    return new Promise((resolve, reject) => {
      const cancel = transport.start(request, (outcome) =>
        outcome instanceof Error ? reject(outcome) : resolve(outcome),
      );
      deadline.addEventListener("abort", () => {
        cancel();
        reject(deadline.reason);
      });
    });
  });
}

/** @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG */
export function checkCallOptions({ timeoutMs, signal, metadata = {} }: CallOptions): void {
  checkTimeout("timeoutMs", timeoutMs);
  checks.abortSignal(signal);
  for (const [name, value] of Object.entries(metadata)) {
    // What HTTP/2 and gRPC have for themselves, and gRPC's names for binary values, which ttRPC does not know.
    const free = /^[0-9a-z_.-]+$/.test(name) && !/^(grpc-|te$|content-type$|user-agent$)|-bin$/.test(name);
    if (free && typeof value === "string" && /^[ -~]*$/.test(value)) continue;
    throw new ConsoleSocketError(
      "ERR_CONSOLE_INVALID_ARG",
      `Metadata has names of a-z, 0-9, '_', '.' and '-' that gRPC does not use, and values of printable ASCII, not ` +
        `${JSON.stringify(name)}: ${JSON.stringify(value)}.`,
    );
  }
}
