// What the two protocols have in common: one message out, one back, and everything that can come in between.
import { ConsoleSocketError } from "../../errors.js";
import { RpcError } from "./rpc-error.js";

/** The largest message, either way: ttRPC's limit, and what gRPC takes by default. */
export const MAX_MESSAGE_BYTES: number = 4 * 1024 * 1024;

const LONGEST_TIMEOUT_MS = 0x7fff_ffff;

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
  /** When to give up: DEADLINE_EXCEEDED, here and in the agent. No limit by default. */
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
  const { timeoutMs } = request;
  return new Promise((resolve, reject) => {
    let cancel = (): void => undefined;
    let timer: NodeJS.Timeout | undefined;
    const end = (outcome: Buffer | { reason: unknown }): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      if (outcome instanceof Uint8Array) resolve(outcome);
      else reject(outcome.reason);
    };
    const giveUp = (reason: unknown): void => {
      cancel();
      end({ reason });
    };
    const onAbort = (): void => giveUp(signal?.reason);
    if (signal?.aborted) return reject(signal.reason);
    signal?.addEventListener("abort", onAbort);
    if (timeoutMs !== undefined) {
      timer = setTimeout(
        () => giveUp(new RpcError("DEADLINE_EXCEEDED", `no answer within ${timeoutMs} ms`)),
        timeoutMs,
      );
    }
    cancel = transport.start(request, (outcome) => end(outcome instanceof Error ? { reason: outcome } : outcome));
  });
}

/** @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG */
export function checkCallOptions({ timeoutMs, metadata = {} }: CallOptions): void {
  if (timeoutMs !== undefined && !(Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= LONGEST_TIMEOUT_MS)) {
    throw new ConsoleSocketError(
      "ERR_CONSOLE_INVALID_ARG",
      `timeoutMs is a number of milliseconds from 1 to ${LONGEST_TIMEOUT_MS}, not ${timeoutMs}.`,
    );
  }
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
